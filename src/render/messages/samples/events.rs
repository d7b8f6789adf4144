//! What happened, as it might be told to one's own people.

use super::instant;
use crate::model::message::{EventFacts, MessageKind, Severity};

/// What a message tells of that may tell of several things.
const fn told_of(kind: MessageKind) -> MessageKind {
    match kind {
        MessageKind::Digest => MessageKind::ItemFailed,
        MessageKind::Notice => MessageKind::InvoicePaid,
        other => other,
    }
}

/// What jobs note beside it, by name.
fn details(kind: MessageKind) -> Vec<(&'static str, &'static str)> {
    use MessageKind as Kind;
    match kind {
        Kind::JobFailed => vec![("host", "books.example.com"), ("reason", "failed")],
        Kind::JobRecovered => vec![
            ("host", "books.example.com"),
            ("over", "job.failed"),
            ("reason", "failed"),
            ("since", "2024-09-20T04:13:00Z"),
            ("times", "3"),
            ("was", "critical"),
        ],
        Kind::JobCompleted => vec![
            ("delivered", "41"),
            ("done", "42"),
            ("failed", "5"),
            ("host", "books.example.com"),
            ("line", "invoices.send: 42 done, 41 delivered, 5 failed, 8.5 s"),
            ("outcome", "partly"),
            ("run_id", "sample-run"),
            ("total.EUR", "12345.50"),
            ("untold_failed", "2"),
            ("untold_runs", "3"),
            ("untold_since", "2024-09-21T20:13:00Z"),
            ("waiting", "1"),
        ],
        Kind::EffectFailed => vec![
            ("amount", "119.00"),
            ("audience", "customer"),
            ("company_id", "sample"),
            ("currency", "EUR"),
            ("effect", "message.email"),
            ("key", "email:invoice.issued:example:INV-2024-000041:accounts@sample.example"),
            ("message", "invoice.issued"),
            ("number", "INV-2024-000041"),
            ("numbers", "INV-2024-000041"),
            ("reason", "rejected"),
            ("recipient", "accounts@sample.example"),
            ("recipients", "1"),
            ("state", "failed"),
        ],
        Kind::ItemFailed | Kind::ItemParked => {
            vec![("company_id", "sample"), ("contract", "sample-support"), ("period", "2024-09-01"), ("reason", "no_tax_rate")]
        }
        _ => vec![("amount", "119.00"), ("company_id", "sample"), ("currency", "EUR")],
    }
}

/// Something that happened, as the jobs would tell it.
pub(super) fn event(kind: MessageKind) -> EventFacts {
    use MessageKind as Kind;
    let kind = told_of(kind);
    let (severity, job, subject, message, hint) = match kind {
        Kind::JobFailed => (
            Severity::Critical,
            "invoices.generate",
            "",
            "the database could not be reached: connection refused",
            "see that it runs, then: finops invoices generate",
        ),
        Kind::JobRecovered => {
            (Severity::Info, "invoices.generate", "", "the database could not be reached: connection refused", "")
        }
        Kind::JobCompleted => (Severity::Warning, "invoices.send", "", "", ""),
        Kind::InvoiceDraft => (Severity::Info, "", "", "", ""),
        Kind::ItemFailed | Kind::ItemParked => (
            Severity::Warning,
            "invoices.generate",
            "IT support",
            "the tax code vat19 has no rate on 30 September 2024",
            "import a rate that is in force on that day; the next run bills the contract",
        ),
        Kind::EffectFailed => (
            Severity::Warning,
            "invoices.send",
            "INV-2024-000041",
            "mx.sample.example answered to RCPT: 550 5.1.1 mailbox unavailable",
            "mend the cause, then finops effects retry email:invoice.issued:example:INV-2024-000041:accounts@sample.example",
        ),
        Kind::InvoiceHeld => (
            Severity::Warning,
            "invoices.generate",
            "draft of contract sample-support",
            "the amount is 4.2 times the median of the last twelve",
            "look at it with: finops invoices show",
        ),
        Kind::BalanceLow => {
            (Severity::Warning, "", "SMS account", "19.00 EUR are left, and last month took 54.00 EUR", "top it up")
        }
        Kind::InvoiceFailed => (Severity::Warning, "", "INV-2024-000041", "Your card has insufficient funds.", ""),
        _ => (Severity::Info, "invoices.send", "INV-2024-000041", "", ""),
    };
    EventFacts {
        kind,
        severity,
        job: job.to_owned(),
        subject: subject.to_owned(),
        about: subject.to_owned(),
        message: message.to_owned(),
        hint: hint.to_owned(),
        at: instant(),
        company: if kind.as_str().starts_with("job.") { "" } else { "Sample Customer Ltd" }.to_owned(),
        is_draft: kind == Kind::InvoiceDraft,
        details: details(kind).iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        failures: if kind == Kind::JobCompleted { vec![event(Kind::ItemFailed), event(Kind::EffectFailed)] } else { Vec::new() },
    }
}
