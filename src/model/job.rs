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

text_enum! {
    /// Why a unit of a job could not be done. Its word is the one in `run_items`, alerts and JSON; every language has a
    /// sentence for it.
    pub enum FailReason ("reason") {
        NoSeller = "no_seller",
        BadContract = "bad_contract",
        NoTaxRate = "no_tax_rate",
        BadAmount = "bad_amount",
        NoPlanPrice = "no_plan_price",
        MixedTerms = "mixed_terms",
        /// More periods are due than are billed without asking.
        TooManyMissed = "too_many_missed",
        NoBuyerTaxId = "no_buyer_tax_id",
        DateBeforeSeries = "date_before_series",
        NumberGiven = "number_given",
        BadNumberFormat = "bad_number_format",
        /// It has a character that documents cannot show.
        Unprintable = "unprintable",
        NoAddress = "no_address",
        UnknownPolicy = "unknown_policy",
        /// The database refused the company's rows.
        Refused = "refused",
    }
}
