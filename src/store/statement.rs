//! What moved the account of a company with a seller.

use super::{Row, StoreError, Tx};
use crate::model::account::{Account, Debt, Movement};
use crate::model::message::EntryKind;
use crate::model::{CompanyId, Currency, InvoiceState, Money, SellerId};
use chrono::NaiveDate;

/// The sellers that have billed a company, by id.
pub fn sellers_of(tx: &mut Tx, company_id: &CompanyId) -> Result<Vec<SellerId>, StoreError> {
    const SQL: &str = "SELECT DISTINCT seller_id FROM invoices WHERE company_id = $1 AND state <> 'draft' ORDER BY seller_id";
    tx.query(SQL, &[company_id.as_str().into()], |row| Ok(SellerId::stored(row.text(0)?)))
}

/// The day of issue of the oldest open invoice.
pub fn oldest_open(tx: &mut Tx, company_id: &CompanyId, seller_id: &SellerId) -> Result<Option<NaiveDate>, StoreError> {
    const SQL: &str = "SELECT MIN(issued_on) FROM invoices WHERE company_id = $1 AND seller_id = $2 AND state = 'open'";
    Ok(tx.query_opt(SQL, &[company_id.as_str().into(), seller_id.as_str().into()], |row| row.opt_date(0))?.flatten())
}

/// All that moved an account until a day, that day included.
pub fn account(tx: &mut Tx, company_id: &CompanyId, seller_id: &SellerId, to: NaiveDate) -> Result<Account, StoreError> {
    const INVOICES: &str = "SELECT i.number, i.state, i.issued_on, i.due_on, i.currency, i.total_minor,
      (SELECT CAST(COALESCE(SUM(a.amount_minor), 0) AS BIGINT) FROM payment_allocations a
       JOIN payments p ON p.company_id = a.company_id AND p.provider = a.provider AND p.reference = a.reference
       WHERE a.company_id = i.company_id AND a.invoice_id = i.invoice_id AND p.received_on <= $3),
      (SELECT CAST(COALESCE(SUM(-e.amount_minor), 0) AS BIGINT) FROM credit_entries e
       WHERE e.company_id = i.company_id AND e.invoice_id = i.invoice_id AND e.invoice_id <> '' AND e.entered_on <= $3),
      c.closed_on
      FROM invoices i LEFT JOIN invoice_closings c ON c.company_id = i.company_id AND c.invoice_id = i.invoice_id
      WHERE i.company_id = $1 AND i.seller_id = $2 AND i.state <> 'draft' AND i.issued_on <= $3
      ORDER BY i.issued_on, i.number";
    const PAYMENTS: &str = "SELECT p.received_on, p.reference, p.currency, p.amount_minor FROM payments p
      JOIN invoices i ON i.company_id = p.company_id AND i.invoice_id = p.invoice_id
      WHERE p.company_id = $1 AND i.seller_id = $2 AND p.received_on <= $3 ORDER BY p.received_on, p.provider, p.reference";
    // What of a company's credit no invoice and no payment tells: taken over, or paid out to it.
    const CREDIT: &str = "SELECT entered_on, entry_key, currency, amount_minor FROM credit_entries
      WHERE company_id = $1 AND seller_id = $2 AND entered_on <= $3
      AND (entry_key >= 'opening:' AND entry_key < 'opening;' OR entry_key >= 'refund:' AND entry_key < 'refund;')
      ORDER BY entered_on, entry_key";
    let params = [company_id.as_str().into(), seller_id.as_str().into(), to.into()];
    let mut account = Account::default();
    for invoice in tx.query(INVOICES, &params, read_invoice)? {
        invoice.add_to(&mut account, to);
    }
    account.movements.extend(tx.query(PAYMENTS, &params, |row| {
        let currency: Currency = row.parse(2)?;
        Ok(Movement {
            on: row.date(0)?,
            kind: EntryKind::Payment,
            reference: row.string(1)?,
            due_on: None,
            change: row.money(3, currency)?.negated(),
        })
    })?);
    account.movements.extend(tx.query(CREDIT, &params, |row| {
        let currency: Currency = row.parse(2)?;
        let (kind, reference) = match row.text(1)?.split_once(':') {
            Some(("opening", reference)) => (EntryKind::OpeningCredit, reference),
            Some((_, reference)) => (EntryKind::Refund, reference),
            None => (EntryKind::Refund, ""),
        };
        let reference = reference.to_owned();
        Ok(Movement { on: row.date(0)?, kind, reference, due_on: None, change: row.money(3, currency)?.negated() })
    })?);
    Ok(account)
}

struct Billed {
    number: String,
    state: InvoiceState,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    total: Money,
    /// What is left of it on the last day.
    left: Money,
    /// When it was voided or written off.
    closed_on: Option<NaiveDate>,
}

fn read_invoice(row: &Row) -> Result<Billed, StoreError> {
    let currency: Currency = row.parse(4)?;
    let (total, settled, credited) = (row.int(5)?, row.int(6)?, row.int(7)?);
    Ok(Billed {
        number: row.string(0)?,
        state: row.parse(1)?,
        issued_on: row.date(2)?,
        due_on: row.date(3)?,
        total: Money::from_minor(total, currency),
        left: Money::from_minor(total.saturating_sub(settled).saturating_sub(credited), currency),
        closed_on: row.opt_date(8)?,
    })
}

impl Billed {
    fn add_to(self, account: &mut Account, to: NaiveDate) {
        let Self { number, state, issued_on, due_on, total, left, closed_on } = self;
        let entry = |on, kind, change| Movement { on, kind, reference: number.clone(), due_on: None, change };
        if state == InvoiceState::Issued {
            account.movements.push(entry(issued_on, EntryKind::CreditNote, total.negated()));
            return;
        }
        // Whoever closed it later than on the last day was still owed it then.
        match closed_on.filter(|on| *on <= to) {
            Some(on) if state == InvoiceState::Void => account.movements.push(entry(on, EntryKind::Void, total.negated())),
            Some(on) if state == InvoiceState::Uncollectible => {
                account.movements.push(entry(on, EntryKind::WriteOff, left.negated()));
            }
            // One that was written off and paid after all is as any other.
            Some(_) | None if left.minor() > 0 => account.debts.push(Debt { due_on, left }),
            Some(_) | None => {}
        }
        account.movements.push(Movement {
            on: issued_on,
            kind: EntryKind::Invoice,
            reference: number,
            due_on: Some(due_on),
            change: total,
        });
    }
}
