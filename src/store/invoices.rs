//! Invoices, their lines and tax groups.

use super::value::Kind::{Int, Text};
use super::{Bulk, Kind, Row, StoreError, Tx, Val};
use crate::model::invoice::Proration;
use crate::model::{
    CompanyId, ContractId, Currency, FullInvoice, Invoice, InvoiceId, InvoiceLine, InvoiceState, InvoiceTax, ItemId, SellerId,
    SourceKey, TaxCode,
};
use std::collections::HashMap;

macro_rules! head_columns {
    () => {
        "company_id, invoice_id, state, seller_id, currency, contract_id, period_start, period_end, revision, number, issued_on, \
         due_on, payment_terms_days, tax_inclusive, reference, net_minor, tax_minor, total_minor, stale, edited"
    };
}

const HEAD: [(&str, Kind); 20] = [
    ("company_id", Text),
    ("invoice_id", Text),
    ("state", Text),
    ("seller_id", Text),
    ("currency", Text),
    ("contract_id", Text),
    ("period_start", Text),
    ("period_end", Text),
    ("revision", Int),
    ("number", Text),
    ("issued_on", Text),
    ("due_on", Text),
    ("payment_terms_days", Int),
    ("tax_inclusive", Int),
    ("reference", Text),
    ("net_minor", Int),
    ("tax_minor", Int),
    ("total_minor", Int),
    ("stale", Int),
    ("edited", Int),
];

static INSERT: Bulk<20> = Bulk { table: "invoices", columns: HEAD, on_conflict: "" };

/// Many updates in one statement: the rows are there, so each meets its own key.
static ISSUE: Bulk<20> = Bulk {
    table: "invoices",
    columns: HEAD,
    on_conflict: "ON CONFLICT (company_id, invoice_id) DO UPDATE SET state = excluded.state, number = excluded.number,
      issued_on = excluded.issued_on, due_on = excluded.due_on WHERE invoices.state = 'draft' AND invoices.stale = 0",
};

static INSERT_LINES: Bulk<20> = Bulk {
    table: "invoice_lines",
    columns: [
        ("company_id", Text),
        ("invoice_id", Text),
        ("position", Int),
        ("kind", Text),
        ("contract_id", Text),
        ("item_id", Text),
        ("source_key", Text),
        ("description", Text),
        ("quantity", Text),
        ("unit", Text),
        ("unit_price", Text),
        ("period_start", Text),
        ("period_end", Text),
        ("days", Int),
        ("of_days", Int),
        ("tax_code", Text),
        ("tax_category", Text),
        ("tax_rate", Text),
        ("net_minor", Int),
        ("amount_minor", Int),
    ],
    on_conflict: "",
};

static INSERT_TAXES: Bulk<9> = Bulk {
    table: "invoice_taxes",
    columns: [
        ("company_id", Text),
        ("invoice_id", Text),
        ("position", Int),
        ("category", Text),
        ("rate", Text),
        ("name", Text),
        ("note", Text),
        ("net_minor", Int),
        ("tax_minor", Int),
    ],
    on_conflict: "",
};

fn read_head(row: &Row) -> Result<Invoice, StoreError> {
    let currency: Currency = row.parse(4)?;
    Ok(Invoice {
        company_id: CompanyId::stored(row.text(0)?),
        invoice_id: InvoiceId::stored(row.text(1)?),
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

fn head_values(i: &Invoice) -> [Val<'_>; 20] {
    [
        i.company_id.as_str().into(),
        i.invoice_id.as_str().into(),
        i.state.as_str().into(),
        i.seller_id.as_str().into(),
        i.currency.into(),
        i.contract_id.as_ref().map_or("", ContractId::as_str).into(),
        i.period.start().into(),
        i.period.end().into(),
        i.revision.into(),
        i.number.as_deref().into(),
        i.issued_on.into(),
        i.due_on.into(),
        i.payment_terms_days.into(),
        i.tax_inclusive.into(),
        (&i.reference).into(),
        i.net.into(),
        i.tax.into(),
        i.total.into(),
        i.stale.into(),
        i.edited.into(),
    ]
}

fn line_values<'a>(head: &'a Invoice, position: usize, l: &'a InvoiceLine) -> [Val<'a>; 20] {
    let (days, of_days) = l.proration.map_or((0, 0), |p| (p.days, p.of_days));
    [
        head.company_id.as_str().into(),
        head.invoice_id.as_str().into(),
        Val::Int(position as i64 + 1),
        l.kind.as_str().into(),
        l.contract_id.as_ref().map_or("", ContractId::as_str).into(),
        l.item_id.as_ref().map_or("", ItemId::as_str).into(),
        l.source_key.as_ref().map_or("", SourceKey::as_str).into(),
        (&l.description).into(),
        l.quantity.into(),
        (&l.unit).into(),
        l.unit_price.into(),
        l.period.start().into(),
        l.period.end().into(),
        days.into(),
        of_days.into(),
        l.tax_code.as_str().into(),
        l.tax_category.as_str().into(),
        l.tax_rate.into(),
        l.net.into(),
        l.amount.into(),
    ]
}

fn tax_values<'a>(head: &'a Invoice, position: usize, t: &'a InvoiceTax) -> [Val<'a>; 9] {
    [
        head.company_id.as_str().into(),
        head.invoice_id.as_str().into(),
        Val::Int(position as i64 + 1),
        t.category.as_str().into(),
        t.rate.into(),
        (&t.name).into(),
        (&t.note).into(),
        t.net.into(),
        t.tax.into(),
    ]
}

/// Writes drafts with their lines and tax groups.
pub fn insert<'i>(tx: &mut Tx, invoices: impl Iterator<Item = &'i FullInvoice> + Clone) -> Result<(), StoreError> {
    tx.insert(&INSERT, invoices.clone().map(|i| head_values(&i.head)))?;
    tx.insert(
        &INSERT_LINES,
        invoices.clone().flat_map(|i| i.lines.iter().enumerate().map(|(position, line)| line_values(&i.head, position, line))),
    )?;
    tx.insert(
        &INSERT_TAXES,
        invoices.flat_map(|i| i.taxes.iter().enumerate().map(|(position, tax)| tax_values(&i.head, position, tax))),
    )?;
    Ok(())
}

/// Removes a draft with its lines and tax groups. What it billed must have been released before.
pub fn delete(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<(), StoreError> {
    const LINES: &str = "DELETE FROM invoice_lines WHERE company_id = $1 AND invoice_id = $2";
    const TAXES: &str = "DELETE FROM invoice_taxes WHERE company_id = $1 AND invoice_id = $2";
    const HEAD: &str = "DELETE FROM invoices WHERE company_id = $1 AND invoice_id = $2";
    for sql in [LINES, TAXES, HEAD] {
        tx.execute(sql, &[company_id.as_str().into(), invoice_id.as_str().into()])?;
    }
    Ok(())
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

/// Marks the drafts that bill a contract: an input of theirs changed.
pub fn mark_stale_by_contract(tx: &mut Tx, company_id: &CompanyId, contract_id: &ContractId) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE invoices SET stale = 1 WHERE company_id = $1 AND state = 'draft' AND stale = 0 AND invoice_id IN
      (SELECT p.invoice_id FROM billed_periods p WHERE p.company_id = $1 AND p.contract_id = $2)";
    tx.execute(SQL, &[company_id.as_str().into(), contract_id.as_str().into()])
}

/// Marks all drafts of a company: the company or one of its billable items changed.
pub fn mark_stale_by_company(tx: &mut Tx, company_id: &CompanyId) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE invoices SET stale = 1 WHERE company_id = $1 AND state = 'draft' AND stale = 0";
    tx.execute(SQL, &[company_id.as_str().into()])
}

/// Marks all drafts of a seller: its terms or a tax rate changed.
pub fn mark_stale_by_seller(tx: &mut Tx, seller_id: &SellerId) -> Result<u64, StoreError> {
    const SQL: &str = "UPDATE invoices SET stale = 1 WHERE state = 'draft' AND stale = 0 AND seller_id = $1";
    tx.execute(SQL, &[seller_id.as_str().into()])
}

/// The draft is what its inputs make it.
pub fn clear_stale(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE invoices SET stale = 0 WHERE company_id = $1 AND invoice_id = $2 AND state = 'draft'";
    tx.execute(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()]).map(drop)
}

/// Drafts become open, with the number and the dates that the given heads have. False if one of
/// them is no draft any more, or its inputs changed; the caller rolls back.
pub fn issue(tx: &mut Tx, heads: &[Invoice]) -> Result<bool, StoreError> {
    Ok(tx.insert(&ISSUE, heads.iter().map(head_values))? == heads.len() as u64)
}

/// Holds an invoice until the transaction ends, so that two payments of it are recorded one after
/// the other. False if there is no such invoice.
pub fn hold(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE invoices SET state = state WHERE company_id = $1 AND invoice_id = $2";
    Ok(tx.execute(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()])? == 1)
}

/// Changes the state of an issued invoice. False if it was not in `from` any more.
pub fn set_state(
    tx: &mut Tx,
    company_id: &CompanyId,
    invoice_id: &InvoiceId,
    from: InvoiceState,
    to: InvoiceState,
) -> Result<bool, StoreError> {
    const SQL: &str = "UPDATE invoices SET state = $4 WHERE company_id = $1 AND invoice_id = $2 AND state = $3";
    let params = [company_id.as_str().into(), invoice_id.as_str().into(), from.as_str().into(), to.as_str().into()];
    Ok(tx.execute(SQL, &params)? == 1)
}

/// Invoices that a person may mean by a number or an id; more than one when sellers share a number.
pub fn find(tx: &mut Tx, number_or_id: &str) -> Result<Vec<Invoice>, StoreError> {
    const BY_NUMBER: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE number = $1 ORDER BY company_id LIMIT 3");
    const BY_ID: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE invoice_id = $1 LIMIT 3");
    let by_number = tx.query(BY_NUMBER, &[number_or_id.into()], read_head)?;
    if !by_number.is_empty() || number_or_id.parse::<InvoiceId>().is_err() {
        return Ok(by_number);
    }
    tx.query(BY_ID, &[number_or_id.into()], read_head)
}

/// The head of one invoice.
pub fn head(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<Option<Invoice>, StoreError> {
    const SQL: &str = concat!("SELECT ", head_columns!(), " FROM invoices WHERE company_id = $1 AND invoice_id = $2");
    tx.query_opt(SQL, &[company_id.as_str().into(), invoice_id.as_str().into()], read_head)
}

/// A page of invoices by (company, id), after `after`, filtered by state and company ("" for any).
pub fn list(tx: &mut Tx, state: &str, company: &str, after: (&str, &str), limit: u32) -> Result<Vec<Invoice>, StoreError> {
    const SQL: &str = concat!(
        "SELECT ",
        head_columns!(),
        " FROM invoices WHERE (company_id, invoice_id) > ($3, $4) AND ($1 = '' OR state = $1) AND ($2 = '' OR company_id = $2)
          ORDER BY company_id, invoice_id LIMIT $5"
    );
    tx.query(SQL, &[state.into(), company.into(), after.0.into(), after.1.into(), limit.into()], read_head)
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
         l.period_start, l.period_end, l.days, l.of_days, l.tax_code, l.tax_category, l.tax_rate, l.net_minor, l.amount_minor, i.currency"
    };
}
macro_rules! tax_columns {
    () => {
        "t.company_id, t.invoice_id, t.category, t.rate, t.name, t.note, t.net_minor, t.tax_minor, i.currency"
    };
}

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
    let mut parts: HashMap<InvoiceId, (Vec<InvoiceLine>, Vec<InvoiceTax>)> = HashMap::with_capacity(heads.len());
    for (id, line) in tx.query_companies(lines, companies, &one, read_line)? {
        parts.entry(id).or_default().0.push(line);
    }
    for (id, tax) in tx.query_companies(taxes, companies, &one, read_tax)? {
        parts.entry(id).or_default().1.push(tax);
    }
    let whole = heads.into_iter().map(|head| {
        let (lines, taxes) = parts.remove(&head.invoice_id).unwrap_or_default();
        FullInvoice { head, lines, taxes }
    });
    Ok(whole.collect())
}

fn read_line(row: &Row) -> Result<(InvoiceId, InvoiceLine), StoreError> {
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
    };
    Ok((InvoiceId::stored(row.text(1)?), line))
}

fn read_tax(row: &Row) -> Result<(InvoiceId, InvoiceTax), StoreError> {
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
