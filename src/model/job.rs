//! The jobs that exist, by name. What each one does, and when, is told in `jobs`.

use super::text_enum;

text_enum! {
    /// A job that exists. Its word is the one in `runs`, claims, summaries and JSON.
    pub enum JobKind ("job") {
        InvoicesGenerate = "invoices.generate",
        InvoicesIssue = "invoices.issue",
        InvoicesSend = "invoices.send",
        RemindersUpcoming = "reminders.upcoming",
        RemindersOverdue = "reminders.overdue",
        RemindersEscalation = "reminders.escalation",
        EffectsSettle = "effects.settle",
        AlertsDispatch = "alerts.dispatch",
    }
}
