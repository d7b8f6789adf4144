//! What goes where on a statement.

use super::super::flow::{self, Cell, FOOT, Flow, Ink, LEFT, Page, RIGHT};
use super::super::letter::{
    self, BODY, COLUMN, HEADING, LEAD, Look, QUIET, SMALL, STRONG, TITLE, Typesetter, WINDOW, addressee, foot_items,
};
use super::super::text::Length;
use super::super::{RenderError, fonts};
use super::{Letter, Row, is_overdue};
use crate::model::message::StatementAccount;
use crate::model::seller::BankDetails;
use fonts::Weight;

/// White space between columns.
const GAP: Length = 12_000;
/// What an entry keeps, however long the figures are.
const ENTRY: Length = 110_000;
/// What the tables of several currencies are kept apart by.
const BETWEEN: Length = 26_000;
const PARTY: Look = Look { size: 12_000, height: 18_000, ink: Ink::Accent, ..STRONG };

/// Left or right edges and widths of the columns.
struct Columns {
    entry: (Length, Length),
    due: (Length, Length),
    change: (Length, Length),
    balance: (Length, Length),
    on: Length,
}

pub fn compose(letter: &Letter<'_>, logo: Option<(Length, Length)>, setter: Typesetter<'_>) -> Result<Vec<Page>, RenderError> {
    let foot_top = FOOT - SMALL.height;
    let running = format!("{} · {}", letter.title(), letter.company.name);
    let mut flow = Flow::new(foot_top - 22_000, setter.running_head(&running, &letter.seller.name)?);
    heading(letter, &mut flow, logo, &setter)?;
    for (index, account) in letter.statement.accounts.iter().enumerate() {
        if index > 0 {
            flow.space(BETWEEN);
        }
        table(letter, account, &mut flow, &setter)?;
    }
    if letter.statement.accounts.is_empty() {
        flow.row(&[Cell::left(LEFT, setter.lines(&setter.language.statement.no_entries, BODY, RIGHT - LEFT)?)]);
    }
    if let Some(bank) = letter.bank {
        payment(letter, bank, &mut flow, &setter)?;
    }
    let mut foot = setter.lines(&letter.seller.name, SMALL, RIGHT - LEFT - 90_000)?;
    foot.truncate(1);
    let pages = flow.len();
    let numbers =
        (1..=pages).map(|page| setter.line(&setter.language.page(page, pages), SMALL)).collect::<Result<Vec<_>, _>>()?;
    Ok(flow.finish(|index| foot_items(foot_top, &foot, &numbers[index])))
}

/// Who writes to whom, of which days, and what comes of it.
fn heading(
    letter: &Letter<'_>,
    flow: &mut Flow,
    logo: Option<(Length, Length)>,
    setter: &Typesetter<'_>,
) -> Result<(), RenderError> {
    let (language, statement) = (letter.language, letter.statement);
    let labels = &language.statement;
    letter::letterhead(setter, flow, letter.seller, logo)?;
    flow.y = (flow.y + 22_000).max(WINDOW);
    let left = addressee(setter, &labels.prepared_for, letter.company)?;
    let customer = (language.document.customer_number.as_str(), letter.company.id.clone(), BODY);
    let mut facts = vec![customer, (&labels.period, letter.period(), STRONG), (&labels.date, language.date(statement.to), BODY)];
    for account in &statement.accounts {
        let (name, sum) = match account.closing.is_sign_negative() && !account.closing.is_zero() {
            true => (&labels.in_your_favour, -account.closing),
            false => (&labels.closing, account.closing),
        };
        facts.push((name, language.money(sum, account.currency), STRONG));
        if account.overdue > rust_decimal::Decimal::ZERO {
            facts.push((&labels.overdue, language.money(account.overdue, account.currency), BODY));
        }
    }
    let [names, values] = setter.facts(&facts, COLUMN, 78_000, RIGHT)?;
    flow.row(&[Cell::left(LEFT, left), names, values]);
    flow.space(30_000);
    let mut title = setter.lines(letter.title(), TITLE, RIGHT - LEFT)?;
    title.extend(setter.lines(&letter.period(), LEAD, RIGHT - LEFT)?);
    flow.row(&[Cell::left(LEFT, title)]);
    flow.space(16_000);
    Ok(())
}

/// Opening balance, entries, closing balance; the header stands on each page that it runs on to.
fn table(letter: &Letter<'_>, account: &StatementAccount, flow: &mut Flow, setter: &Typesetter<'_>) -> Result<(), RenderError> {
    let header = letter.header(account);
    let opening = letter.opening(account);
    let entries = letter.entries(account);
    let closing = letter.closing(account);
    let all = || [&opening].into_iter().chain(&entries).chain(&closing);
    let columns = columns(setter, &header, all)?;
    let header = cells(setter, &columns, &header, [HEADING; 2])?;
    flow.need(120_000);
    if letter.several() {
        flow.row(&[Cell::left(LEFT, setter.lines(&letter.language.account_in(account.currency), PARTY, RIGHT - LEFT)?)]);
        flow.space(6_000);
    }
    flow.begin_table(header);
    flow.row(&cells(setter, &columns, &opening, [QUIET, BODY])?);
    for (index, row) in entries.iter().enumerate() {
        let row = cells(setter, &columns, row, [BODY; 2])?;
        // The last entry keeps the closing balance company.
        let kept = if index + 1 == entries.len() { 60_000 } else { 0 };
        flow.space(4_000);
        flow.need(flow::height(&row).min(flow::KEPT) + kept);
        if !flow.is_fresh() {
            flow.rule(LEFT, RIGHT - LEFT, 500, Ink::Hairline);
            flow.space(4_500);
        }
        flow.row(&row);
    }
    flow.end_table();
    flow.space(6_000);
    flow.rule(LEFT, RIGHT - LEFT, 750, Ink::Accent);
    for row in &closing {
        flow.space(6_000);
        flow.row(&cells(setter, &columns, row, [STRONG; 2])?);
    }
    Ok(())
}

/// The columns, fitted to what stands in them.
fn columns<'r, I>(setter: &Typesetter<'_>, header: &Row, rows: impl Fn() -> I) -> Result<Columns, RenderError>
where
    I: Iterator<Item = &'r Row>,
{
    let widest = |label: &str, of: &dyn Fn(&'r Row) -> &'r str| -> Result<Length, RenderError> {
        let bold = Look { weight: Weight::Bold, ..BODY };
        Ok(setter.widest([label], HEADING)?.max(setter.widest(rows().map(of), bold)?))
    };
    let room = RIGHT - LEFT - ENTRY - 4 * GAP;
    let on = widest(&header.on, &|row| &row.on)?.min(room * 20 / 100);
    let due = widest(&header.due, &|row| &row.due)?.min(room * 20 / 100);
    let change = widest(&header.change, &|row| &row.change)?.min(room * 30 / 100);
    let balance = widest(&header.balance, &|row| &row.balance)?.min(room * 30 / 100);
    let change_right = RIGHT - balance - GAP;
    let due_left = change_right - change - GAP - due;
    let entry_left = LEFT + on + GAP;
    Ok(Columns {
        on,
        entry: (entry_left, due_left - GAP - entry_left),
        due: (due_left, due),
        change: (change_right, change),
        balance: (RIGHT, balance),
    })
}

/// A row: dates quiet or as loud as the rest.
fn cells(setter: &Typesetter<'_>, columns: &Columns, row: &Row, [words, figures]: [Look; 2]) -> Result<Vec<Cell>, RenderError> {
    Ok(vec![
        Cell::left(LEFT, setter.lines(&row.on, words, columns.on)?),
        Cell::left(columns.entry.0, setter.lines(&row.entry, words, columns.entry.1)?),
        Cell::left(columns.due.0, setter.lines(&row.due, words, columns.due.1)?),
        Cell::right(columns.change.0, setter.lines(&row.change, figures, columns.change.1)?),
        Cell::right(columns.balance.0, setter.lines(&row.balance, figures, columns.balance.1)?),
    ])
}

/// Where to pay, below the tables.
fn payment(letter: &Letter<'_>, bank: &BankDetails, flow: &mut Flow, setter: &Typesetter<'_>) -> Result<(), RenderError> {
    let (words, labels) = (&letter.language.statement, &letter.language.document);
    let mut told = setter.lines(&labels.payment, Look { height: BODY.height, ..HEADING }, RIGHT - LEFT)?;
    if is_overdue(letter.statement) {
        told.extend(setter.lines(&words.please_pay, BODY, RIGHT - LEFT)?);
    }
    let rows = labels.bank_rows(&letter.seller.name, bank, &letter.company.id).map(|(name, value)| (name, value, BODY));
    let facts = setter.facts(&rows, LEFT, 46_000, RIGHT)?;
    flow.space(24_000);
    flow.need(told.iter().map(|line| line.height).sum::<Length>() + flow::height(&facts) + 5_000);
    flow.row(&[Cell::left(LEFT, told)]);
    flow.space(5_000);
    flow.row(&facts);
    Ok(())
}
