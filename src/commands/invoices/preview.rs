//! A run of `invoices generate` against what was billed before: as a table, as JSON, as a file.

use crate::context::Context;
use crate::error::{Result, io_error};
use crate::import::csv_cell;
use crate::model::{Currency, Money};
use crate::providers::folder::write_private;
use crate::rules::compare::{Change, Comparison, Why};
use crate::ui::{Column, Table};
use rust_decimal::Decimal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows that a real run tells of.
const TOLD: usize = 20;

/// A company in one currency, amounts net.
#[derive(Serialize)]
struct Row<'a> {
    company_id: &'a str,
    currency: Currency,
    change: Change,
    before: Option<Money>,
    now: Option<Money>,
    difference: Decimal,
    /// Of what was billed before; null when that was nothing.
    percent: Option<Decimal>,
    why: Vec<Why>,
}

/// All companies in one currency.
#[derive(Serialize)]
struct Total {
    currency: Currency,
    before: Decimal,
    now: Decimal,
    difference: Decimal,
    companies: BTreeMap<Change, u64>,
}

/// Shows a run that is only looked at: all that is new, gone or changed by more than `threshold`
/// percent, and what each currency adds up to.
pub(super) fn show(ctx: &Context, compared: &[Comparison], threshold: Decimal) {
    let rows: Vec<Row> = compared.iter().map(|one| row(one, threshold)).filter(|row| row.change != Change::Same).collect();
    tell(ctx, &rows, rows.len());
    for total in totals(compared, threshold) {
        ctx.ui.typed("comparison_total", &total, || {
            let count = |change| total.companies.get(&change).copied().unwrap_or(0);
            format!(
                "{}: {} net, before {} ({}); {} new, {} gone, {} changed, {} the same",
                total.currency,
                total.now,
                total.before,
                signed(total.difference),
                count(Change::New),
                count(Change::Gone),
                count(Change::Changed),
                count(Change::Same)
            )
        });
    }
}

/// Tells of what a real run billed far from what it was; nothing when all is as before.
pub(super) fn tell_far_off(ctx: &Context, compared: &[Comparison], threshold: Decimal) {
    let is_far = |row: &Row| matches!(row.change, Change::Changed | Change::Gone);
    let rows: Vec<Row> = compared.iter().map(|one| row(one, threshold)).filter(is_far).collect();
    tell(ctx, &rows, TOLD);
    if rows.len() > TOLD && !ctx.ui.is_json() {
        ctx.ui.say(format!("and {} more: finops invoices list --state draft", rows.len() - TOLD));
    }
}

/// Writes every company into a file, whatever its change.
pub(super) fn write(file: &Path, compared: &[Comparison], threshold: Decimal) -> Result<()> {
    let mut text = "company_id,currency,change,before,now,difference,percent,why\n".to_owned();
    for row in compared.iter().map(|one| row(one, threshold)) {
        let maybe = |money: Option<Money>| money.map(|money| money.to_string()).unwrap_or_default();
        let cells = [
            row.company_id.to_owned(),
            row.currency.to_string(),
            row.change.to_string(),
            maybe(row.before),
            maybe(row.now),
            row.difference.to_string(),
            row.percent.map(|percent| percent.to_string()).unwrap_or_default(),
            words(&row.why),
        ];
        text.push_str(&cells.iter().map(|cell| csv_cell(cell)).collect::<Vec<_>>().join(","));
        text.push('\n');
    }
    write_private(file, text.as_bytes()).map_err(|error| io_error("write", file, error))
}

fn row(one: &Comparison, threshold: Decimal) -> Row<'_> {
    Row {
        company_id: one.company_id.as_str(),
        currency: one.currency,
        change: one.change(threshold),
        before: one.before,
        now: one.now,
        difference: major(one.difference(), one.currency),
        percent: one.percent(),
        why: one.why.iter().copied().collect(),
    }
}

/// Of companies only: JSON lines of a type of their own, or a table.
fn tell(ctx: &Context, rows: &[Row], at_most: usize) {
    let columns = [
        Column::left("Company"),
        Column::state("Change"),
        Column::right("Before"),
        Column::right("Now"),
        Column::right("Difference"),
        Column::left(""),
        Column::right("%"),
        Column::left("Why"),
    ];
    let mut table = Table::new(&columns);
    for row in rows.iter().take(at_most) {
        let maybe = |money: Option<Money>| money.map_or_else(|| "–".to_owned(), |money| money.to_string());
        table.row(vec![
            row.company_id.to_owned(),
            row.change.to_string(),
            maybe(row.before),
            maybe(row.now),
            signed(row.difference),
            row.currency.to_string(),
            row.percent.map(signed).unwrap_or_default(),
            words(&row.why),
        ]);
    }
    if ctx.ui.is_json() {
        rows.iter().for_each(|row| ctx.ui.typed("comparison", row, String::new));
    } else if !ctx.ui.is_quiet() {
        ctx.ui.table(&table);
    }
}

fn words(why: &[Why]) -> String {
    why.iter().map(|why| why.as_str().replace('_', " ")).collect::<Vec<_>>().join(", ")
}

fn signed(amount: Decimal) -> String {
    if amount > Decimal::ZERO { format!("+{amount}") } else { amount.to_string() }
}

/// Sums may be larger than one amount can be; what no decimal holds is shown as the largest.
fn major(minor: i128, currency: Currency) -> Decimal {
    Decimal::try_from_i128_with_scale(minor, currency.exponent()).unwrap_or(Decimal::MAX)
}

fn totals(compared: &[Comparison], threshold: Decimal) -> Vec<Total> {
    let mut sums: BTreeMap<Currency, (i128, i128, BTreeMap<Change, u64>)> = BTreeMap::new();
    for one in compared {
        let minor = |side: Option<Money>| side.map_or(0, |money| i128::from(money.minor()));
        let (before, now, companies) = sums.entry(one.currency).or_default();
        *before += minor(one.before);
        *now += minor(one.now);
        *companies.entry(one.change(threshold)).or_default() += 1;
    }
    let total = |(currency, (before, now, companies))| Total {
        currency,
        before: major(before, currency),
        now: major(now, currency),
        difference: major(now - before, currency),
        companies,
    };
    sums.into_iter().map(total).collect()
}
