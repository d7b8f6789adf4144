//! What a person does to one invoice, draft or credit: chosen by its place among those that it could be
//! done to.

use crate::world::World;
use finops::context::Context;
use finops::engine::host::author;
use finops::error::{Error, Result};
use finops::model::{CompanyId, Invoice, Money, Payment};
use finops::operations::credit::Refund;
use finops::operations::credit_notes::{Request, credit as make_note};
use finops::operations::edit::edit as change;
use finops::operations::{credit as company_credit, invoices, payments};
use finops::render::Fonts;
use finops::rules::credit::left;
use finops::rules::edit::{Edit, Fields};
use finops::store::payments::open_balance;
use finops::store::{Db, Tx, invoices as rows};

pub fn void(world: &World, ctx: &Context, db: &mut Db, nth: u64, regenerate: bool) -> Result<()> {
    let Some((company, id)) = world.nth("state = 'open'", nth) else { return Ok(()) };
    let voided = db.write(|tx| {
        let invoice = invoices::find(tx, &id, Some(&company))?;
        invoices::void(tx, ctx, &invoice, "wrong")?;
        invoices::find(tx, &id, Some(&company))
    })?;
    if regenerate { db.write(|tx| invoices::regenerate(tx, ctx, &voided)).map(drop) } else { Ok(()) }
}

pub fn delete(world: &World, ctx: &Context, db: &mut Db, nth: u64) -> Result<()> {
    let Some((company, id)) = world.nth("state = 'draft'", nth) else { return Ok(()) };
    db.write(|tx| {
        let invoice = invoices::find(tx, &id, Some(&company))?;
        invoices::delete_draft(tx, ctx, &invoice)
    })
}

/// What an invoice asks for still, unless it is paid.
fn owed(tx: &mut Tx, invoice: &Invoice) -> Result<i64> {
    Ok(open_balance(tx, invoice)?.minor())
}

pub fn pay(world: &World, ctx: &Context, db: &mut Db, nth: u64, (percent, capped): (i64, bool)) -> Result<()> {
    let states = if capped { "state = 'open'" } else { "state IN ('open', 'paid')" };
    let Some((company, id)) = world.nth(states, nth) else { return Ok(()) };
    let author = author(ctx);
    db.write(|tx| {
        let invoice = invoices::find(tx, &id, Some(&company))?;
        let desk = payments::Desk::open(tx, &author, ctx.as_of)?;
        let minor = (invoice.total.minor() * percent / 100).max(1);
        let minor = if capped { minor.min(owed(tx, &invoice)?) } else { minor };
        let payment = Payment {
            company_id: company.clone(),
            provider: "bank".to_owned(),
            reference: format!("statement {}", ctx.as_of.date_naive()),
            amount: Money::from_minor(minor, invoice.currency),
            received_on: desk.today(&invoice.seller_id),
        };
        Ok::<_, Error>(payments::record(tx, &desk, &invoice, &payment).map(drop)?)
    })
}

pub fn credit(world: &World, ctx: &Context, db: &mut Db, nth: u64, (percent, capped): (i64, bool)) -> Result<()> {
    let states = if capped { "state = 'open'" } else { "state IN ('open', 'paid', 'uncollectible')" };
    let Some((company, id)) = world.nth(states, nth) else { return Ok(()) };
    let fonts = Fonts::builtin().expect("the built-in fonts");
    db.write(|tx| {
        let invoice = invoices::find(tx, &id, Some(&company))?;
        let notes = rows::credit_notes(tx, &invoice.company_id, &invoice.invoice_id)?;
        let full = rows::full(tx, invoice.clone())?;
        let (all, owed) = (left(&full, &notes).minor(), owed(tx, &invoice)?);
        let most = if capped { all.min(owed) } else { all };
        let amount = Money::from_minor((most * percent / 100).max(1), invoice.currency);
        let mut request = Request { reason: "wrong".to_owned(), ..Request::default() };
        match percent {
            0 if !capped => request.lines = vec![1],
            100 if most == all => {}
            _ => request.amount = Some(amount.to_decimal()),
        }
        make_note(tx, ctx, &fonts, &invoice, &request).map(drop)
    })
}

pub fn refund(world: &World, ctx: &Context, db: &mut Db, nth: u64) -> Result<()> {
    let mut found = world.db.rows(
        "SELECT company_id, seller_id, currency, SUM(amount_minor) FROM credit_entries
           GROUP BY company_id, seller_id, currency HAVING SUM(amount_minor) > 0",
    );
    found.sort();
    let at = usize::try_from(nth % found.len().max(1) as u64).expect("a place");
    let Some([company, seller, currency, minor]) = found.get(at).map(Vec::as_slice) else { return Ok(()) };
    let currency = currency.parse().expect("a currency");
    let refund = Refund {
        company_id: company.parse().expect("an id"),
        seller_id: seller.parse().ok(),
        currency: Some(currency),
        amount: Money::from_minor(minor.parse().expect("an amount"), currency).to_decimal(),
        reference: format!("payout {}", ctx.as_of.date_naive()),
        reason: String::new(),
    };
    db.write(|tx| company_credit::refund(tx, ctx, &refund)).map(drop)
}

pub fn write_off(world: &World, ctx: &Context, db: &mut Db, nth: u64) -> Result<()> {
    let Some((company, id)) = world.nth("state = 'open'", nth) else { return Ok(()) };
    db.write(|tx| {
        let invoice = invoices::find(tx, &id, Some(&company))?;
        invoices::uncollectible(tx, ctx, &invoice, "insolvent").map(drop)
    })
}

pub fn edit(world: &World, ctx: &Context, db: &mut Db, nth: u64, quantity: u64) -> Result<()> {
    let Some((company, id)) = world.nth("state = 'draft'", nth) else { return Ok(()) };
    let company: CompanyId = company;
    db.write(|tx| {
        let draft = invoices::find(tx, &id, Some(&company))?;
        let quantity = Fields { quantity: Some(quantity.into()), ..Fields::default() };
        let added = Fields { description: Some("By hand".to_owned()), unit_price: Some(7.into()), ..Fields::default() };
        change(tx, ctx, &draft, &Edit { remove: Vec::new(), set: Some((1, quantity)), add: Some(added) }).map(drop)
    })
}
