//! Drafts written, removed and issued; states changed; drafts marked as stale.

use crate::model::{
    CompanyId, ContractId, FullInvoice, Invoice, InvoiceId, InvoiceLine, InvoiceState, InvoiceTax, ItemId, SellerId, SourceKey,
};
use crate::store::value::Kind::{Int, Text};
use crate::store::{Bulk, Kind, StoreError, Tx, Val};
use chrono::NaiveDate;

const HEAD: [(&str, Kind); 24] = [
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
    ("kind", Text),
    ("corrects_id", Text),
    ("reason", Text),
    ("ref_key", Text),
];

static INSERT: Bulk<24> = Bulk { table: "invoices", columns: HEAD, on_conflict: "" };

/// Many updates in one statement: whoever issues holds the companies, so the rows are there, and each meets its own key.
static ISSUE: Bulk<24> = Bulk {
    table: "invoices",
    columns: HEAD,
    on_conflict: "ON CONFLICT (company_id, invoice_id) DO UPDATE SET state = excluded.state, number = excluded.number,
      issued_on = excluded.issued_on, due_on = excluded.due_on WHERE invoices.state = 'draft' AND invoices.stale = 0",
};

static INSERT_LINES: Bulk<22> = Bulk {
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
        ("corrects_line", Int),
        ("details", Text),
    ],
    on_conflict: "",
};

static CLOSING: Bulk<3> = Bulk {
    table: "invoice_closings",
    columns: [("company_id", Text), ("invoice_id", Text), ("closed_on", Text)],
    on_conflict: "ON CONFLICT (company_id, invoice_id) DO NOTHING",
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

fn head_values(i: &Invoice) -> [Val<'_>; 24] {
    let correction = i.kind.correction();
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
        i.kind.as_str().into(),
        correction.map_or("", |c| c.corrects.as_str()).into(),
        correction.map_or("", |c| &c.reason).into(),
        correction.map_or("", |c| &c.key).into(),
    ]
}

fn line_values<'a>(head: &'a Invoice, position: usize, l: &'a InvoiceLine) -> [Val<'a>; 22] {
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
        l.corrects_line.unwrap_or(0).into(),
        details(l),
    ]
}

fn details(line: &InvoiceLine) -> Val<'static> {
    if line.details.is_empty() {
        return "".into();
    }
    // They hold nothing that JSON cannot say.
    serde_json::to_string(&line.details).unwrap_or_default().into()
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
/// False if it is no draft any more; the caller rolls back.
pub fn delete(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId) -> Result<bool, StoreError> {
    const LINES: &str = "DELETE FROM invoice_lines WHERE company_id = $1 AND invoice_id = $2";
    const TAXES: &str = "DELETE FROM invoice_taxes WHERE company_id = $1 AND invoice_id = $2";
    const HEAD: &str = "DELETE FROM invoices WHERE company_id = $1 AND invoice_id = $2 AND state = 'draft'";
    for sql in [LINES, TAXES] {
        tx.execute(sql, &[company_id.as_str().into(), invoice_id.as_str().into()])?;
    }
    Ok(tx.execute(HEAD, &[company_id.as_str().into(), invoice_id.as_str().into()])? == 1)
}

/// Gives a draft other lines, groups and sums; it is edited by hand from then on, and not stale. False if
/// it is no draft any more; the caller rolls back.
pub fn rewrite(tx: &mut Tx, draft: &FullInvoice) -> Result<bool, StoreError> {
    const LINES: &str = "DELETE FROM invoice_lines WHERE company_id = $1 AND invoice_id = $2";
    const TAXES: &str = "DELETE FROM invoice_taxes WHERE company_id = $1 AND invoice_id = $2";
    const HEAD: &str = "UPDATE invoices SET period_start = $3, period_end = $4, net_minor = $5, tax_minor = $6, total_minor = $7,
      stale = 0, edited = 1 WHERE company_id = $1 AND invoice_id = $2 AND state = 'draft'";
    let FullInvoice { head, lines, taxes } = draft;
    let key = [head.company_id.as_str().into(), head.invoice_id.as_str().into()];
    for sql in [LINES, TAXES] {
        tx.execute(sql, &key)?;
    }
    tx.insert(&INSERT_LINES, lines.iter().enumerate().map(|(position, line)| line_values(head, position, line)))?;
    tx.insert(&INSERT_TAXES, taxes.iter().enumerate().map(|(position, tax)| tax_values(head, position, tax)))?;
    let [company_id, invoice_id] = key;
    let sums = [head.net.into(), head.tax.into(), head.total.into()];
    let mut params = vec![company_id, invoice_id, head.period.start().into(), head.period.end().into()];
    params.extend(sums);
    Ok(tx.execute(HEAD, &params)? == 1)
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

/// Keeps the day, in the seller's time zone, on which an invoice was voided or written off. The first one stays: since then
/// nobody has expected it to be paid.
pub fn closed(tx: &mut Tx, company_id: &CompanyId, invoice_id: &InvoiceId, on: NaiveDate) -> Result<(), StoreError> {
    tx.insert(&CLOSING, [[company_id.as_str().into(), invoice_id.as_str().into(), on.into()]]).map(drop)
}
