//! The columns of every kind of file. The header check, the templates, the reference that users
//! read and the defaults all come from these tables; `rows` reads the cells by the same names.

mod prices;

use super::Kind;
use prices::{CONTRACT_ITEMS, CONTRACT_PAUSES, CONTRACT_PLANS, DISCOUNTS, PLAN_ITEMS, PLAN_TIERS, PLANS, PRICE_TIERS, USAGE};

/// Whether a cell must be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    /// What an empty cell stands for, and a missing column in a row that is new (`keep`).
    Default(&'static str),
}

/// One column of one kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub need: Need,
    /// A value for the template; the samples of all kinds fit together, but for price_tiers, whose
    /// item would have to be one with tiers.
    pub sample: &'static str,
    pub about: &'static str,
    /// Long numbers are its business, so that none is taken for a card number.
    pub numbers: bool,
}

const fn col(name: &'static str, need: Need, sample: &'static str, about: &'static str) -> Column {
    Column { name, need, sample, about, numbers: false }
}

impl Column {
    const fn numbers(self) -> Self {
        Self { numbers: true, ..self }
    }
}

use Need::{Default, Optional, Required};

const COMPANY_ID: Column = col("company_id", Required, "C-1001", "The customer, by your own id");
const SELLER_ID: Column = col("seller_id", Required, "acme", "The legal entity that bills, by your own id");
const CURRENCY: Column = col("currency", Required, "EUR", "ISO 4217 code");
const REMINDER_POLICY: Column = col(
    "reminder_policy",
    Optional,
    "",
    "Which of the configuration's policies of reminders; none: it gets no reminders. Empty: default",
);
const CONTRACT_REMINDER_POLICY: Column =
    Column { about: "The policy of reminders for its invoices, or none. Empty: the company's", ..REMINDER_POLICY };
const ADDRESS: [Column; 6] = [
    col("address_line1", Optional, "Musterstraße 1", "Street and number"),
    col("address_line2", Optional, "", "Second line of the address"),
    col("postal_code", Optional, "10115", "Postal code"),
    col("city", Optional, "Berlin", "City"),
    col("region", Optional, "", "State or province, where addresses have one"),
    col("country", Required, "DE", "ISO 3166-1 code of two capital letters"),
];

const SELLERS: [Column; 27] = [
    SELLER_ID,
    col("name", Required, "Acme Services GmbH", "Its registered name"),
    ADDRESS[0],
    ADDRESS[1],
    ADDRESS[2],
    ADDRESS[3],
    ADDRESS[4],
    ADDRESS[5],
    col("tax_id", Optional, "DE000000000", "VAT or sales-tax registration number").numbers(),
    col("registration", Optional, "HRB 0000, Amtsgericht Berlin", "Number in the register of companies"),
    col("email", Optional, "billing@example.com", "Printed on documents"),
    col("phone", Optional, "+49 30 00000000", "Printed on documents").numbers(),
    col("website", Optional, "https://example.com", "Printed on documents"),
    col("bank_name", Optional, "Musterbank", "Where customers pay to"),
    col("iban", Optional, "DE89370400440532013000", "With its check digits; spaces are allowed").numbers(),
    col("bic", Optional, "COBADEFFXXX", "8 or 11 characters"),
    col("account", Optional, "", "Account details in countries without IBAN, as they are to be printed").numbers(),
    col("time_zone", Required, "Europe/Berlin", "IANA zone; issue dates, due dates and periods go by it"),
    col("language", Default("en"), "en", "Language of its documents, such as en or de-AT"),
    col("payment_terms_days", Default("14"), "14", "Days from issue to due date"),
    col("series_id", Optional, "", "The number series; sellers may share one. Empty: the seller's id"),
    col("number_format", Default("INV-{year}-{seq:06}"), "INV-{year}-{seq:06}", "How invoice numbers look"),
    col(
        "credit_series_id",
        Optional,
        "",
        "The number series of credit notes. Empty: the series_id that the seller began with, followed by -credit",
    ),
    col("credit_number_format", Default("CN-{year}-{seq:06}"), "CN-{year}-{seq:06}", "How numbers of credit notes look"),
    col("tax_code", Required, "standard", "The tax code of items that name none"),
    col("logo", Optional, "", "PNG or JPEG file, its path relative to this file"),
    col("footer", Optional, "Managing director: Max Mustermann", "Printed at the foot of each page"),
];

const TAX_RATES: [Column; 7] = [
    SELLER_ID,
    col("tax_code", Required, "standard", "Your own name for this way to tax"),
    col("valid_from", Required, "2021-01-01", "First supply date to which it applies, until the next one of this code"),
    col(
        "category",
        Required,
        "S",
        "EN 16931: S standard or reduced, Z zero, E exempt, AE reverse charge, K intra-community goods, G export, O out of scope",
    ),
    col("rate", Default("0"), "19", "Percent; above 0 for S, 0 for the others").numbers(),
    col("name", Required, "VAT 19 %", "What documents call it"),
    col("note", Optional, "", "Why no tax is charged, as the law words it; required for E, AE, K, G and O"),
];

const COMPANIES: [Column; 21] = [
    COMPANY_ID,
    col("name", Required, "Müller & Söhne KG", "As it is printed on the invoice"),
    col("attention", Optional, "Accounts payable", "Department or person, printed under the name"),
    ADDRESS[0],
    ADDRESS[1],
    ADDRESS[2],
    ADDRESS[3],
    ADDRESS[4],
    ADDRESS[5],
    col("tax_id", Optional, "DE000000011", "VAT or sales-tax registration number").numbers(),
    col("email", Optional, "ap@example.org", "One address; invoices go there"),
    col("time_zone", Optional, "", "IANA zone, for when messages reach it. Empty: the seller's"),
    col("language", Optional, "de", "Language of its documents. Empty: the seller's"),
    col("payment_terms_days", Optional, "", "Days from issue to due date. Empty: the seller's"),
    col("consolidate", Default("no"), "no", "yes: one invoice for all contracts of the same due date, seller and currency"),
    col("billing_day", Default("1"), "1", "Day of the month (1 to 31) on which items without a contract are billed"),
    col("tax_code", Optional, "", "Taxes every line of this company by this code (reverse charge, export)"),
    col("reference", Optional, "PO 4711", "The customer's own reference, printed on its invoices"),
    col(
        "delivery",
        Default("email"),
        "email",
        "email: invoices are mailed to its billing contacts; none: they are not, reminders are (reminder_policy)",
    ),
    col(
        "account_manager",
        Optional,
        "key.account@example.com",
        "Address of whoever looks after it here; gets copies of late reminders",
    ),
    REMINDER_POLICY,
];

const CONTACTS: [Column; 8] = [
    COMPANY_ID,
    col("contact_id", Required, "mueller", "Your own id, unique within the company"),
    col("name", Optional, "Erika Müller", "As the To line of mails names them"),
    col("email", Optional, "mueller@example.org", "One address"),
    col("phone", Optional, "+49 30 00000001", "With its country code; for SMS").numbers(),
    col(
        "roles",
        Default("billing"),
        "billing management",
        "billing, technical, management, several with a space between; none: nobody any more",
    ),
    col("language", Optional, "", "Language of messages to them. Empty: the company's"),
    col("time_zone", Optional, "", "IANA zone, for when messages reach them. Empty: the company's"),
];

const CONTRACTS: [Column; 17] = [
    COMPANY_ID,
    col("contract_id", Required, "managed-it", "Your own id, unique within the company"),
    SELLER_ID,
    CURRENCY,
    col("cadence", Required, "monthly", "weekly, monthly, quarterly or yearly"),
    col("every", Default("1"), "1", "2 with monthly bills every two months"),
    col("timing", Required, "advance", "advance: billed on the period's first day; arrears: after its last"),
    col(
        "anchor_day",
        Optional,
        "1",
        "Day of the month (1 to 31), or of the week if weekly (1 Monday to 7 Sunday), on which periods start. Empty: the start's own",
    ),
    col("start", Required, "2025-01-15", "First day of service"),
    col("end", Optional, "", "First day no longer served"),
    col("bill_from", Optional, "2026-10-01", "First day that is billed here, for contracts that run already. Empty: the start"),
    col("payment_terms_days", Optional, "", "Days from issue to due date. Empty: the company's"),
    col("tax_inclusive", Default("no"), "no", "yes: unit prices include the tax"),
    col("description", Optional, "Managed IT", "For yourself: invoices print the description of each item"),
    col("reference", Optional, "", "The customer's reference for this contract. Empty: the company's"),
    CONTRACT_REMINDER_POLICY,
    col("trial_end", Optional, "", "First day that is billed after a free trial; periods run from the start all the same"),
];

const BILLABLE_ITEMS: [Column; 11] = [
    COMPANY_ID,
    col("source_key", Required, "ticket:4711", "What it stands for, unique within the company: it is billed once"),
    SELLER_ID,
    CURRENCY,
    col("dated", Required, "2026-10-14", "Day of supply"),
    col("description", Required, "Printer repair", "Printed on the invoice"),
    col("quantity", Default("1"), "1.5", "How many").numbers(),
    col("unit", Optional, "hour", "Printed beside the quantity"),
    col("unit_price", Required, "95.00", "In this currency; may be finer than a cent; negative gives money back").numbers(),
    col("tax_inclusive", Default("no"), "no", "yes: the unit price includes the tax"),
    col("tax_code", Optional, "", "Empty: the seller's"),
];

const OPENING_INVOICES: [Column; 8] = [
    COMPANY_ID,
    col("number", Required, "2025-0815", "As the system before gave it; none that a series here is still to give"),
    SELLER_ID,
    CURRENCY,
    col("amount", Required, "119.00", "What is still to be paid of it, tax included").numbers(),
    col("issued_on", Required, "2025-12-01", "Its date"),
    col("due_on", Required, "2025-12-15", "Its due date"),
    col("reference", Optional, "", "The customer's reference on it"),
];

const OPENING_CREDITS: [Column; 7] = [
    COMPANY_ID,
    col("reference", Required, "overpaid-2025-0799", "What it is called there, unique within the company: it is taken over once"),
    SELLER_ID,
    CURRENCY,
    col("amount", Required, "20.00", "Above zero: what the next invoices use up").numbers(),
    col("dated", Required, "2025-12-31", "Day on which it is taken over"),
    col("reason", Optional, "Overpaid", "Where it comes from"),
];

const PAYMENTS: [Column; 7] = [
    COMPANY_ID,
    col("invoice", Required, "INV-2026-000001", "Number or id of the invoice that was paid"),
    col("amount", Required, "119.00", "Above zero, with no more decimals than the currency has").numbers(),
    CURRENCY,
    col("received_on", Required, "2026-11-20", "Day on which the money arrived"),
    col("reference", Required, "statement-2026-11-20-3", "The bank's or provider's own reference: a payment is recorded once"),
    col("provider", Default("manual"), "bank", "Who took the money"),
];

impl Kind {
    /// Its columns, in the order of the template; files may have them in any order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Sellers => &SELLERS,
            Self::TaxRates => &TAX_RATES,
            Self::Companies => &COMPANIES,
            Self::Contacts => &CONTACTS,
            Self::Contracts => &CONTRACTS,
            Self::ContractItems => &CONTRACT_ITEMS,
            Self::PriceTiers => &PRICE_TIERS,
            Self::Plans => &PLANS,
            Self::PlanItems => &PLAN_ITEMS,
            Self::PlanTiers => &PLAN_TIERS,
            Self::ContractPlans => &CONTRACT_PLANS,
            Self::ContractPauses => &CONTRACT_PAUSES,
            Self::Discounts => &DISCOUNTS,
            Self::Usage => &USAGE,
            Self::BillableItems => &BILLABLE_ITEMS,
            Self::OpeningInvoices => &OPENING_INVOICES,
            Self::OpeningCredits => &OPENING_CREDITS,
            Self::Payments => &PAYMENTS,
        }
    }

    /// The columns that name a row: two rows of a file never agree in all of them.
    pub const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Sellers => &["seller_id"],
            Self::TaxRates => &["seller_id", "tax_code", "valid_from"],
            Self::Companies => &["company_id"],
            Self::Contacts => &["company_id", "contact_id"],
            Self::Contracts => &["company_id", "contract_id"],
            Self::ContractItems => &["company_id", "contract_id", "item_id", "valid_from"],
            Self::PriceTiers => &["company_id", "contract_id", "item_id", "valid_from", "up_to"],
            Self::Plans => &["plan_id", "valid_from"],
            Self::PlanItems => &["plan_id", "version", "item_id"],
            Self::PlanTiers => &["plan_id", "version", "item_id", "up_to"],
            Self::ContractPlans => &["company_id", "contract_id", "valid_from"],
            Self::ContractPauses => &["company_id", "contract_id", "from"],
            Self::Discounts => &["company_id", "contract_id", "discount_id"],
            Self::Usage => &["company_id", "usage_key"],
            Self::BillableItems => &["company_id", "source_key"],
            Self::OpeningInvoices => &["company_id", "seller_id", "number"],
            Self::OpeningCredits => &["company_id", "reference"],
            Self::Payments => &["company_id", "provider", "reference"],
        }
    }

    /// A row that itself imports, as an object on one line.
    pub fn json_template(self) -> String {
        let value = |sample: &str| if sample.is_empty() { serde_json::Value::Null } else { sample.into() };
        let pairs = self.columns().iter().map(|c| format!("\"{}\":{}", c.name, value(c.sample)));
        format!("{{{}}}\n", pairs.collect::<Vec<_>>().join(","))
    }

    /// A header and one row that itself imports.
    pub fn template(self) -> String {
        let line = |of: fn(&Column) -> &'static str| self.columns().iter().map(|c| quoted(of(c))).collect::<Vec<_>>().join(",");
        format!("{}\n{}\n", line(|c| c.name), line(|c| c.sample))
    }

    /// The columns as a Markdown table, for people.
    pub fn reference(self) -> String {
        let mut text = format!("## {}\n\n| Column | | Example | Meaning |\n|---|---|---|---|\n", self.file_name());
        for column in self.columns() {
            let need = match column.need {
                Required => "required".to_owned(),
                Optional => String::new(),
                Default(value) => format!("default `{value}`"),
            };
            let sample = if column.sample.is_empty() { String::new() } else { format!("`{}`", column.sample) };
            text.push_str(&format!("| `{}` | {need} | {sample} | {} |\n", column.name, column.about));
        }
        text.push_str(&format!("\nA row is known by {}.\n", self.key().join(", ")));
        text
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sound() {
        for kind in Kind::ALL {
            let names: Vec<_> = kind.columns().iter().map(|c| c.name).collect();
            for (i, name) in names.iter().enumerate() {
                assert!(!names[..i].contains(name), "{kind}: {name} twice");
                assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{kind}: {name}");
            }
            assert!(kind.key().iter().all(|k| names.contains(k)), "{kind}: its key has columns that it lacks");
            for column in kind.columns() {
                assert!(column.need != Required || !column.sample.is_empty(), "{kind}: {} needs a sample", column.name);
            }
        }
    }
}
