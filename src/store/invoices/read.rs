//! Invoices read: pages of drafts, whole invoices, lists and counts.

use crate::model::invoice::Proration;
use crate::model::{
    CompanyId, Correction, Currency, FullInvoice, Invoice, InvoiceId, InvoiceKind, InvoiceLine, InvoiceTax, SellerId, TaxCode,
};
use crate::store::events::issued_events;
use crate::store::{Row, StoreError, Tx, Val};
use std::collections::HashMap;

macro_rules! head_columns {
    () => {
        "company_id, invoice_id, state, seller_id, currency, contract_id, period_start, period_end, revision, number, issued_on, \
         due_on, payment_terms_days, tax_inclusive, reference, net_minor, tax_minor, total_minor, stale, edited, kind, corrects_id, \
         reason, ref_key"
    };
}
pub(super) use head_columns;

pub(super) fn read_head(row: &Row) -> Result<Invoice, StoreError> {
    let currency: Currency = row.parse(4)?;
    Ok(Invoice {
        company_id: CompanyId::stored(row.text(0)?),
        invoice_id: InvoiceId::stored(row.text(1)?),
        kind: read_kind(row)?,
        state: row.parse(2)?,
        seller_id: SellerId::stored(row.text(3)?),
        currency,
        contract_id: row.parse_opt(5)?,
        period: row.period(6)?,
        revision: row.number(8)?,
        number: row.opt_text(9)?.map(str::to_owned),
        issued_on: row.opt_date(10)?,
        due_on: row.opt_date(11)?,
        payment_terms_days: row.number(12)?,
        tax_inclusive: row.flag(13)?,
        reference: row.string(14)?,
        net: row.money(15, currency)?,
        tax: row.money(16, currency)?,
        total: row.money(17, currency)?,
        stale: row.flag(18)?,
        edited: row.flag(19)?,
    })
}

fn read_kind(row: &Row) -> Result<InvoiceKind, StoreError> {
    match row.text(20)? {
        "invoice" => Ok(InvoiceKind::Invoice),
        "credit_note" => Ok(InvoiceKind::CreditNote(Correction {
            corrects: InvoiceId::stored(row.text(21)?),
            reason: row.string(22)?,
            key: row.string(23)?,
        })),
        other => Err(StoreError::Other(format!("an invoice cannot be of the kind {other:?}"))),
    }
}

/// The heads of a page of drafts after `after`, in the order in which they are issued: company,
/// contract, period (distributed.md, rule 7). The cursor is the last row's own key.
pub fn drafts(tx: &mut Tx, after: &(String, String, String, String), limit: u32) -> Result<Vec<Invoice>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE state = 'draft' AND (company_id, contract_id, period_start, invoice_id) > ($1, $2, $3, $4)
          ORDER BY company_id, contract_id, period_start, invoice_id LIMIT $5"
    );
    let params = [(&after.0).into(), (&after.1).into(), (&after.2).into(), (&after.3).into(), limit.into()];
    tx.query(SQL, &params, read_head)
}

/// How many drafts there are.
pub fn count_drafts(tx: &mut Tx) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM invoices WHERE state = 'draft'";
    Ok(tx.query_opt(SQL, &[], |row| row.number(0))?.unwrap_or(0))
}

/// How many drafts were edited by hand, and had inputs that changed since.
pub fn count_stale_edited(tx: &mut Tx) -> Result<u64, StoreError> {
    const SQL: &str = "SELECT COUNT(*) FROM invoices WHERE state = 'draft' AND stale = 1 AND edited = 1";
    Ok(tx.query_opt(SQL, &[], |row| row.number(0))?.unwrap_or(0))
}

/// All drafts of these companies (ids ascending), whole, in the order in which they are issued.
pub fn drafts_of(tx: &mut Tx, companies: &[&str]) -> Result<Vec<FullInvoice>, StoreError> {
    const HEADS: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE company_id = $1 AND state = 'draft' ORDER BY company_id, contract_id, period_start, invoice_id"
    );
    let heads = tx.query_companies(HEADS, companies, &[], read_head)?;
    with_parts(tx, companies, heads, PartsOf::Drafts)
}

/// The companies after `after` that have drafts whose inputs changed.
pub fn companies_with_stale_drafts(tx: &mut Tx, after: &str, limit: u32) -> Result<Vec<String>, StoreError> {
    const SQL: &str = "SELECT DISTINCT company_id FROM invoices WHERE state = 'draft' AND stale = 1 AND company_id > $1
      ORDER BY company_id LIMIT $2";
    tx.query(SQL, &[after.into(), limit.into()], |row| row.string(0))
}

/// The drafts of these companies (ids ascending) whose inputs changed.
pub fn stale_drafts(tx: &mut Tx, companies: &[&str]) -> Result<Vec<FullInvoice>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE company_id = $1 AND state = 'draft' AND stale = 1 ORDER BY company_id, contract_id, period_start, invoice_id"
    );
    let heads = tx.query_companies(SQL, companies, &[], read_head)?;
    if heads.is_empty() { Ok(Vec::new()) } else { with_parts(tx, companies, heads, PartsOf::Drafts) }
}

/// Those of these companies (ids ascending) that have drafts which are not marked as stale.
pub fn companies_with_fresh_drafts(tx: &mut Tx, companies: &[&str]) -> Result<Vec<CompanyId>, StoreError> {
    const SQL: &str = "SELECT DISTINCT company_id FROM invoices WHERE company_id = $1 AND state = 'draft' AND stale = 0";
    tx.query_companies(SQL, companies, &[], |row| Ok(CompanyId::stored(row.text(0)?)))
}

/// Open invoices, with their numbers, of companies that want theirs by mail, of which nobody was ever to be told:
/// those of another system are left out. It reads all that are open.
pub fn never_told(tx: &mut Tx, limit: u32) -> Result<Vec<(CompanyId, String)>, StoreError> {
    const SQL: &str = "SELECT i.company_id, i.number FROM invoices i JOIN companies c ON c.company_id = i.company_id
      WHERE i.state = 'open' AND i.number IS NOT NULL AND c.delivery <> 'none'
        AND NOT EXISTS (SELECT 1 FROM events e WHERE e.company_id = i.company_id AND e.event_key = $1 || i.seller_id || ':' || i.number)
        AND NOT EXISTS (SELECT 1 FROM opening_invoices o WHERE o.company_id = i.company_id AND o.invoice_id = i.invoice_id)
      ORDER BY i.company_id, i.number LIMIT $2";
    tx.query(SQL, &[issued_events().into(), limit.into()], |row| Ok((CompanyId::stored(row.text(0)?), row.string(1)?)))
}

/// Invoices that a person may mean by a number or an id; more than one when sellers share a number.
pub fn find(tx: &mut Tx, number_or_id: &str, company: Option<&CompanyId>) -> Result<Vec<Invoice>, StoreError> {
    const OF_COMPANY: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE company_id = $1 AND (number = $2 OR invoice_id = $2) ORDER BY invoice_id LIMIT 3"
    );
    const BY_NUMBER: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE number = $1 ORDER BY company_id LIMIT 3");
    const BY_ID: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE invoice_id = $1 LIMIT 3");
    if let Some(company) = company {
        return tx.query(OF_COMPANY, &[company.as_str().into(), number_or_id.into()], read_head);
    }
    let by_number = tx.query(BY_NUMBER, &[number_or_id.into()], read_head)?;
    if !by_number.is_empty() || number_or_id.parse::<InvoiceId>().is_err() {
        return Ok(by_number);
    }
    tx.query(BY_ID, &[number_or_id.into()], read_head)
}

const HEAD: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE company_id = $1 AND invoice_id = $2");

/// The head of one invoice.
pub fn head(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Option<Invoice>, StoreError> {
    tx.query_opt(HEAD, &[company_id.as_str().into(), invoice_id.as_str().into()], read_head)
}

/// The heads of these invoices, in any order. Ids that do not exist are left out.
pub fn heads(tx: &mut Tx, ids: &[(&str, &str)]) -> Result<Vec<Invoice>, StoreError> {
    tx.query_keys(HEAD, ids, read_head)
}

/// The credit notes of an invoice, whole, oldest first.
pub fn credit_notes(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Vec<FullInvoice>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE company_id = $1 AND corrects_id = $2 AND corrects_id <> ''
          ORDER BY issued_on, number, invoice_id"
    );
    let heads = tx.query(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], read_head)?;
    heads.into_iter().map(|head| full(tx, head)).collect()
}

/// Whether an invoice was credited, even in part.
pub fn has_credit_notes(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT 1 FROM invoices WHERE company_id = $1 AND corrects_id = $2 AND corrects_id <> '' LIMIT 1";
    Ok(tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], |_| Ok(()))?.is_some())
}

/// The credit note that was made under a key.
pub fn by_ref_key(tx: &mut Tx, company_id: &CompanyId, key: &str) -> Result<Option<Invoice>, StoreError> {
    const SQL: &str =
        concat!("SELECT ", head_columns!(), " FROM invoices WHERE company_id = $1 AND ref_key = $2 AND ref_key <> ''");
    tx.query_opt(SQL, &[company_id.as_str().into(), key.into()], read_head)
}

/// How many invoices there are in each state, and what they add up to, per currency.
pub fn counts(tx: &mut Tx) -> Result<Vec<(String, Currency, i64, i64)>, StoreError> {
    const SQL: &str = "SELECT state, currency, COUNT(*), CAST(COALESCE(SUM(total_minor), 0) AS BIGINT) FROM invoices
      GROUP BY state, currency ORDER BY state, currency";
    tx.query(SQL, &[], |row| Ok((row.string(0)?, row.parse(1)?, row.int(2)?, row.int(3)?)))
}

/// The whole of one invoice.
pub fn full(tx: &mut Tx, head: Invoice) -> Result<FullInvoice, StoreError> {
    let company = head.company_id.clone();
    let whole = with_parts(tx, &[company.as_str()], vec![head], PartsOf::One)?;
    whole.into_iter().next().ok_or_else(|| StoreError::Other("an invoice went away while it was read".to_owned()))
}

/// Which lines and tax groups are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PartsOf {
    /// Those of all drafts of the companies, in one statement each.
    Drafts,
    /// Those of the only head.
    One,
}

macro_rules! line_columns {
    () => {
        "l.company_id, l.invoice_id, l.kind, l.contract_id, l.item_id, l.source_key, l.description, l.quantity, l.unit, l.unit_price, \
         l.period_start, l.period_end, l.days, l.of_days, l.tax_code, l.tax_category, l.tax_rate, l.net_minor, l.amount_minor, i.currency, \
         l.corrects_line, l.details"
    };
}
pub(super) use line_columns;

macro_rules! tax_columns {
    () => {
        "t.company_id, t.invoice_id, t.category, t.rate, t.name, t.note, t.net_minor, t.tax_minor, i.currency"
    };
}
pub(super) use tax_columns;

fn with_parts(tx: &mut Tx, companies: &[&str], heads: Vec<Invoice>, of: PartsOf) -> Result<Vec<FullInvoice>, StoreError> {
    const DRAFT_LINES: &str = concat!(
        "SELECT ",
        line_columns!(),
        " FROM invoices i JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
          WHERE i.company_id = $1 AND i.state = 'draft' ORDER BY l.company_id, l.invoice_id, l.position"
    );
    const DRAFT_TAXES: &str = concat!(
        "SELECT ",
        tax_columns!(),
        " FROM invoices i JOIN invoice_taxes t ON t.company_id = i.company_id AND t.invoice_id = i.invoice_id
          WHERE i.company_id = $1 AND i.state = 'draft' ORDER BY t.company_id, t.invoice_id, t.position"
    );
    const LINES: &str = concat!(
        "SELECT ",
        line_columns!(),
        " FROM invoices i JOIN invoice_lines l ON l.company_id = i.company_id AND l.invoice_id = i.invoice_id
          WHERE i.company_id = $1 AND i.invoice_id = $2 ORDER BY l.company_id, l.invoice_id, l.position"
    );
    const TAXES: &str = concat!(
        "SELECT ",
        tax_columns!(),
        " FROM invoices i JOIN invoice_taxes t ON t.company_id = i.company_id AND t.invoice_id = i.invoice_id
          WHERE i.company_id = $1 AND i.invoice_id = $2 ORDER BY t.company_id, t.invoice_id, t.position"
    );
    let one: Vec<Val> = match (of, heads.first()) {
        (PartsOf::One, Some(head)) => vec![Val::from(head.invoice_id.as_str().to_owned())],
        _ => Vec::new(),
    };
    let (lines, taxes) = if of == PartsOf::Drafts { (DRAFT_LINES, DRAFT_TAXES) } else { (LINES, TAXES) };
    let lines = tx.query_companies(lines, companies, &one, read_line)?;
    let taxes = tx.query_companies(taxes, companies, &one, read_tax)?;
    Ok(put_together(heads, lines, taxes))
}

pub(super) fn put_together(
    heads: Vec<Invoice>,
    lines: Vec<(InvoiceId, InvoiceLine)>,
    taxes: Vec<(InvoiceId, InvoiceTax)>,
) -> Vec<FullInvoice> {
    let mut parts: HashMap<InvoiceId, (Vec<InvoiceLine>, Vec<InvoiceTax>)> = HashMap::with_capacity(heads.len());
    for (id, line) in lines {
        parts.entry(id).or_default().0.push(line);
    }
    for (id, tax) in taxes {
        parts.entry(id).or_default().1.push(tax);
    }
    let whole = heads.into_iter().map(|head| {
        let (lines, taxes) = parts.remove(&head.invoice_id).unwrap_or_default();
        FullInvoice { head, lines, taxes }
    });
    whole.collect()
}

pub(super) fn read_line(row: &Row) -> Result<(InvoiceId, InvoiceLine), StoreError> {
    let (days, of_days) = (row.number(12)?, row.number(13)?);
    let currency: Currency = row.parse(19)?;
    let line = InvoiceLine {
        kind: row.parse(2)?,
        contract_id: row.parse_opt(3)?,
        item_id: row.parse_opt(4)?,
        source_key: row.parse_opt(5)?,
        description: row.string(6)?,
        quantity: row.decimal(7)?,
        unit: row.string(8)?,
        unit_price: row.decimal(9)?,
        period: row.period(10)?,
        proration: (of_days > 0).then_some(Proration { days, of_days }),
        tax_code: TaxCode::stored(row.text(14)?),
        tax_category: row.parse(15)?,
        tax_rate: row.decimal(16)?,
        net: row.money(17, currency)?,
        amount: row.money(18, currency)?,
        corrects_line: Some(row.number(20)?).filter(|line| *line > 0),
        details: row.details(21)?,
    };
    Ok((InvoiceId::stored(row.text(1)?), line))
}

pub(super) fn read_tax(row: &Row) -> Result<(InvoiceId, InvoiceTax), StoreError> {
    let currency: Currency = row.parse(8)?;
    let tax = InvoiceTax {
        category: row.parse(2)?,
        rate: row.decimal(3)?,
        name: row.string(4)?,
        note: row.string(5)?,
        net: row.money(6, currency)?,
        tax: row.money(7, currency)?,
    };
    Ok((InvoiceId::stored(row.text(1)?), tax))
}
