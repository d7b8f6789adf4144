//! What must always hold, asked of the whole database: for `db check`, which a person runs. Each
//! question is a scan; each answer names what breaks the rule, at most 100 of each rule.

use super::{StoreError, Tx};
use crate::model::{CompanyId, ContractId, InvoiceId};

/// Of one rule: a rule that is broken is rarely broken once.
const MAX_ANSWERS: u32 = 100;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A stable word for scripts: `invoice_sum`.
    pub rule: &'static str,
    /// What breaks it, as (company, id), (series, year) or (seller, number).
    pub subject: (String, String),
    /// What is wrong, for people.
    pub message: &'static str,
}

struct Rule {
    name: &'static str,
    message: &'static str,
    /// Two columns that name what breaks it; `$1` is how many at most.
    sql: &'static str,
}

const RULES: [Rule; 15] = [
    Rule {
        name: "invoice_taxes",
        message: "the tax groups do not add up to the invoice's net and tax",
        sql: "SELECT i.company_id, i.invoice_id FROM invoices i
          WHERE i.net_minor <> (SELECT COALESCE(SUM(t.net_minor), 0) FROM invoice_taxes t
              WHERE t.company_id = i.company_id AND t.invoice_id = i.invoice_id)
             OR i.tax_minor <> (SELECT COALESCE(SUM(t.tax_minor), 0) FROM invoice_taxes t
              WHERE t.company_id = i.company_id AND t.invoice_id = i.invoice_id)
          ORDER BY i.company_id, i.invoice_id LIMIT $1",
    },
    Rule {
        name: "invoice_lines",
        message: "the lines do not add up to the invoice's net",
        sql: "SELECT i.company_id, i.invoice_id FROM invoices i
          WHERE i.net_minor <> (SELECT COALESCE(SUM(l.net_minor), 0) FROM invoice_lines l
              WHERE l.company_id = i.company_id AND l.invoice_id = i.invoice_id)
          ORDER BY i.company_id, i.invoice_id LIMIT $1",
    },
    Rule {
        name: "invoice_number",
        message: "an issued invoice lacks its number or its document, or a draft has one",
        sql: "SELECT i.company_id, i.invoice_id FROM invoices i
          LEFT JOIN invoice_documents d ON d.company_id = i.company_id AND d.invoice_id = i.invoice_id
          WHERE (i.state = 'draft' AND (i.number IS NOT NULL OR d.invoice_id IS NOT NULL))
             OR (i.state <> 'draft' AND (i.number IS NULL OR d.invoice_id IS NULL AND NOT EXISTS
                (SELECT 1 FROM opening_invoices o WHERE o.company_id = i.company_id AND o.invoice_id = i.invoice_id)))
          ORDER BY i.company_id, i.invoice_id LIMIT $1",
    },
    Rule {
        name: "series_gap",
        message: "the numbers of the series are not 1, 2, 3 … up to the last that was given",
        sql: "SELECT c.series_id, CAST(c.year AS TEXT) FROM series_counters c
          WHERE (SELECT COUNT(*) FROM document_numbers n WHERE n.series_id = c.series_id AND n.year = c.year) <> c.next_seq - 1
             OR (SELECT COALESCE(MAX(n.seq), 0) FROM document_numbers n WHERE n.series_id = c.series_id AND n.year = c.year)
                <> c.next_seq - 1
          ORDER BY c.series_id, c.year LIMIT $1",
    },
    Rule {
        name: "number_owner",
        message: "a number was given to an invoice that is not there, or that is still a draft",
        // Numbers lie with their series and invoices with their company, so no join of the two is local
        // on a cluster; a set difference is put together at the coordinator. Numbers that were given
        // by a database which was replaced by an older copy have no invoice.
        sql: "SELECT company_id, document_id FROM document_numbers WHERE NOT (company_id = '_system' AND document_id LIKE 'restored:%')
          EXCEPT SELECT company_id, invoice_id FROM invoices WHERE state <> 'draft' ORDER BY company_id, document_id LIMIT $1",
    },
    Rule {
        name: "numbers_given",
        message: "the invoice was given two numbers, or one that its series did not give",
        sql: "SELECT company_id, invoice_id FROM (SELECT company_id, invoice_id FROM invoices WHERE state <> 'draft'
            EXCEPT SELECT company_id, document_id FROM document_numbers
            EXCEPT SELECT company_id, invoice_id FROM opening_invoices) ungiven
          UNION SELECT company_id, document_id FROM document_numbers GROUP BY company_id, document_id HAVING COUNT(*) > 1
          ORDER BY company_id, invoice_id LIMIT $1",
    },
    Rule {
        name: "number_twice",
        message: "two invoices of the seller have this number",
        sql: "SELECT seller_id, number FROM invoices WHERE number IS NOT NULL GROUP BY seller_id, number HAVING COUNT(*) > 1
          ORDER BY seller_id, number LIMIT $1",
    },
    Rule {
        name: "payment_settles",
        message: "a payment settles more than it is",
        sql: "SELECT p.company_id, p.reference FROM payments p
          WHERE p.amount_minor < (SELECT COALESCE(SUM(a.amount_minor), 0) FROM payment_allocations a
              WHERE a.company_id = p.company_id AND a.provider = p.provider AND a.reference = p.reference)
          ORDER BY p.company_id, p.reference LIMIT $1",
    },
    Rule {
        name: "invoice_balance",
        message: "the invoice is settled beyond its total, is marked as paid with a balance, or is open without one",
        sql: "SELECT i.company_id, i.invoice_id FROM invoices i
          LEFT JOIN (SELECT company_id, invoice_id, SUM(amount_minor) AS minor FROM payment_allocations
            GROUP BY company_id, invoice_id) a ON a.company_id = i.company_id AND a.invoice_id = i.invoice_id
          LEFT JOIN (SELECT company_id, invoice_id, SUM(amount_minor) AS minor FROM credit_entries WHERE invoice_id <> ''
            GROUP BY company_id, invoice_id) c ON c.company_id = i.company_id AND c.invoice_id = i.invoice_id
          WHERE i.kind = 'invoice' AND i.total_minor > 0 AND (
             i.total_minor + COALESCE(c.minor, 0) < COALESCE(a.minor, 0)
             OR (i.state = 'paid' AND i.total_minor + COALESCE(c.minor, 0) <> COALESCE(a.minor, 0))
             OR (i.state IN ('open', 'uncollectible') AND i.total_minor + COALESCE(c.minor, 0) = COALESCE(a.minor, 0)))
          ORDER BY i.company_id, i.invoice_id LIMIT $1",
    },
    Rule {
        name: "invoice_closing",
        message: "the invoice is void or written off, and nothing says since when",
        sql: "SELECT i.company_id, i.invoice_id FROM invoices i
          LEFT JOIN invoice_closings c ON c.company_id = i.company_id AND c.invoice_id = i.invoice_id
          WHERE i.state IN ('void', 'uncollectible') AND c.invoice_id IS NULL
          ORDER BY i.company_id, i.invoice_id LIMIT $1",
    },
    Rule {
        name: "credit_below_zero",
        message: "more of the company's credit is used than it has",
        sql: "SELECT company_id, seller_id FROM credit_entries GROUP BY company_id, seller_id, currency
          HAVING SUM(amount_minor) < 0 ORDER BY company_id, seller_id LIMIT $1",
    },
    Rule {
        name: "credit_note",
        message: "the credit note is of an invoice that is not there, or the company was given another amount by it",
        sql: "SELECT n.company_id, n.invoice_id FROM invoices n
          LEFT JOIN invoices i ON i.company_id = n.company_id AND i.invoice_id = n.corrects_id AND i.kind = 'invoice'
             AND i.state NOT IN ('draft', 'void') AND i.seller_id = n.seller_id AND i.currency = n.currency
          LEFT JOIN credit_entries c ON c.company_id = n.company_id AND c.entry_key = 'credit_note:' || n.invoice_id
          WHERE n.kind = 'credit_note' AND (i.invoice_id IS NULL OR c.entry_key IS NULL OR c.amount_minor <> n.total_minor)
          ORDER BY n.company_id, n.invoice_id LIMIT $1",
    },
    Rule {
        name: "credited_beyond",
        message: "the credit notes of the invoice take back more of a tax group than it billed",
        sql: "SELECT c.company_id, c.corrects_id FROM (SELECT n.company_id, n.corrects_id, t.category, t.rate,
              SUM(t.net_minor) AS net, SUM(t.tax_minor) AS tax FROM invoices n
              JOIN invoice_taxes t ON t.company_id = n.company_id AND t.invoice_id = n.invoice_id
              WHERE n.kind = 'credit_note' GROUP BY n.company_id, n.corrects_id, t.category, t.rate) c
          LEFT JOIN invoice_taxes g ON g.company_id = c.company_id AND g.invoice_id = c.corrects_id
             AND g.category = c.category AND g.rate = c.rate
          WHERE g.position IS NULL OR (g.net_minor >= 0 AND (c.net > g.net_minor OR c.tax > g.tax_minor))
             OR (g.net_minor < 0 AND (c.net < g.net_minor OR c.tax < g.tax_minor))
          ORDER BY c.company_id, c.corrects_id LIMIT $1",
    },
    Rule {
        name: "schedule_missing",
        message: "the contract has no schedule, so nothing of it would ever be due",
        sql: "SELECT c.company_id, c.contract_id FROM contracts c
          LEFT JOIN billing_schedule b ON b.company_id = c.company_id AND b.contract_id = c.contract_id
          WHERE b.contract_id IS NULL ORDER BY c.company_id, c.contract_id LIMIT $1",
    },
    Rule {
        name: "item_taken",
        message: "a billable item is taken up by an invoice that is not there",
        sql: "SELECT b.company_id, b.source_key FROM billable_items b
          LEFT JOIN invoices i ON i.company_id = b.company_id AND i.invoice_id = b.invoice_id
          WHERE b.invoice_id IS NOT NULL AND i.invoice_id IS NULL ORDER BY b.company_id, b.source_key LIMIT $1",
    },
];

/// Everything in the rows that breaks a rule.
pub fn findings(tx: &mut Tx) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for Rule { name, message, sql } in &RULES {
        findings.extend(tx.query(sql, &[MAX_ANSWERS.into()], |row| {
            Ok(Finding { rule: name, subject: (row.string(0)?, row.string(1)?), message })
        })?);
    }
    Ok(findings)
}

/// The document of an issued invoice, and what its head says.
#[derive(Debug)]
pub struct Issued {
    pub company_id: CompanyId,
    pub invoice_id: InvoiceId,
    pub content: String,
    /// Hex.
    pub sha256: String,
    pub number: String,
    pub total_minor: i64,
}

/// A page of documents by (company, invoice), after `after`.
pub fn documents(tx: &mut Tx, after: (&str, &str), limit: u32) -> Result<Vec<Issued>, StoreError> {
    const SQL: &str = "SELECT d.company_id, d.invoice_id, d.content, d.sha256, i.number, i.total_minor FROM invoice_documents d
      JOIN invoices i ON i.company_id = d.company_id AND i.invoice_id = d.invoice_id
      WHERE (d.company_id, d.invoice_id) > ($1, $2) ORDER BY d.company_id, d.invoice_id LIMIT $3";
    tx.query(SQL, &[after.0.into(), after.1.into(), limit.into()], |row| {
        Ok(Issued {
            company_id: CompanyId::stored(row.text(0)?),
            invoice_id: InvoiceId::stored(row.text(1)?),
            content: row.string(2)?,
            sha256: row.string(3)?,
            number: row.opt_text(4)?.unwrap_or_default().to_owned(),
            total_minor: row.int(5)?,
        })
    })
}

/// A page of contracts' keys, after `after`.
pub fn contract_keys(tx: &mut Tx, after: (&str, &str), limit: u32) -> Result<Vec<(CompanyId, ContractId)>, StoreError> {
    const SQL: &str = "SELECT company_id, contract_id FROM contracts WHERE (company_id, contract_id) > ($1, $2)
      ORDER BY company_id, contract_id LIMIT $3";
    tx.query(SQL, &[after.0.into(), after.1.into(), limit.into()], |row| {
        Ok((CompanyId::stored(row.text(0)?), ContractId::stored(row.text(1)?)))
    })
}

/// How many rows the tables have that people think in.
pub fn row_counts(tx: &mut Tx) -> Result<Vec<(&'static str, i64)>, StoreError> {
    const COUNTS: [(&str, &str); 9] = [
        ("sellers", "SELECT COUNT(*) FROM sellers"),
        ("companies", "SELECT COUNT(*) FROM companies"),
        ("contracts", "SELECT COUNT(*) FROM contracts"),
        ("contract_items", "SELECT COUNT(*) FROM contract_items"),
        ("contract_pauses", "SELECT COUNT(*) FROM contract_pauses"),
        ("billable_items", "SELECT COUNT(*) FROM billable_items"),
        ("invoices", "SELECT COUNT(*) FROM invoices"),
        ("payments", "SELECT COUNT(*) FROM payments"),
        ("audit_log", "SELECT COUNT(*) FROM audit_log"),
    ];
    COUNTS.iter().map(|(table, sql)| Ok((*table, tx.query_opt(sql, &[], |row| row.int(0))?.unwrap_or(0)))).collect()
}
