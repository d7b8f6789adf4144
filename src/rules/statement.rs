//! Statements of account: what moved an account, and what is owed after each.
//!
//! Per currency, `opening + Σ changes = closing`, exactly. A payment counts whole, on the day on which it
//! arrived: what of it is beyond an invoice is the customer's, and makes the balance smaller.

use crate::model::account::{Account, Debt, Movement};
use crate::model::message::{Statement, StatementAccount, StatementEntry};
use crate::model::{Currency, Money};
use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The account over `[from, to]`. Movements may come in any order, and begin long before; those after `to` are
/// left out.
pub fn statement(from: NaiveDate, to: NaiveDate, of: &Account) -> Statement {
    let Account { movements, debts } = of;
    let mut by_currency: BTreeMap<Currency, Vec<&Movement>> = BTreeMap::new();
    for movement in movements.iter().filter(|movement| movement.on <= to) {
        by_currency.entry(movement.change.currency()).or_default().push(movement);
    }
    let accounts = by_currency.into_iter().map(|(currency, movements)| account(currency, (from, to), movements, debts));
    // One that was settled long ago has nothing to tell.
    Statement {
        from,
        to,
        accounts: accounts.filter(|account| !account.opening.is_zero() || !account.entries.is_empty()).collect(),
    }
}

fn account(
    currency: Currency,
    (from, to): (NaiveDate, NaiveDate),
    mut movements: Vec<&Movement>,
    debts: &[Debt],
) -> StatementAccount {
    movements.sort_by_key(|movement| (movement.on, movement.kind, movement.reference.as_str()));
    let (before, within): (Vec<&Movement>, Vec<&Movement>) = movements.into_iter().partition(|movement| movement.on < from);
    // With the currency's decimals, also where nothing comes to it.
    let zero = Money::zero(currency).to_decimal();
    let opening = before.iter().fold(zero, |sum, movement| sum + movement.change.to_decimal());
    let mut balance = opening;
    let entries = within.into_iter().map(|movement| {
        let change = movement.change.to_decimal();
        balance += change;
        let Movement { on, kind, reference, due_on, .. } = movement.clone();
        StatementEntry { on, kind, reference, due_on, change, balance }
    });
    let entries: Vec<StatementEntry> = entries.collect();
    let own = || debts.iter().filter(|debt| debt.left.currency() == currency);
    let owed = |sum: Decimal, debt: &Debt| sum + debt.left.to_decimal();
    let overdue = own().filter(|debt| debt.due_on < to).fold(zero, owed);
    // What was paid ahead, and not for a certain invoice, covers what is due first.
    let ahead = own().fold(zero, owed) - balance;
    StatementAccount { currency, opening, entries, closing: balance, overdue: (overdue - ahead.max(zero)).min(balance).max(zero) }
}

/// The first day of a statement that nobody names one for: that of the oldest invoice that is not paid, so that all
/// of what is owed is on it; else the first of the month before.
pub fn default_from(oldest_open: Option<NaiveDate>, to: NaiveDate) -> NaiveDate {
    let month_before = to.with_day(1).and_then(|first| first.checked_sub_months(Months::new(1)));
    oldest_open.filter(|oldest| *oldest <= to).or(month_before).unwrap_or(to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::message::EntryKind;

    fn movement(on: &str, kind: EntryKind, reference: &str, minor: i64, currency: &str) -> Movement {
        let due_on = (kind == EntryKind::Invoice).then(|| parse_date(on).unwrap() + chrono::Days::new(14));
        let change = Money::from_minor(minor, currency.parse().unwrap());
        Movement { on: parse_date(on).unwrap(), kind, reference: reference.to_owned(), due_on, change }
    }

    /// Credit of 130 against 100 that is overdue and 70 that is not: nothing is overdue.
    #[test]
    fn what_was_paid_ahead_covers_what_is_due_first() {
        use EntryKind::{Invoice, Payment};
        let debt = |due_on: &str, minor| Debt {
            due_on: parse_date(due_on).unwrap(),
            left: Money::from_minor(minor, "EUR".parse().unwrap()),
        };
        let debts = vec![debt("2026-11-20", 10_000), debt("2026-12-03", 7_000)];
        for (ahead, closing, overdue) in
            [(0, "170.00", "100.00"), (3_000, "140.00", "70.00"), (13_000, "40.00", "0.00"), (20_000, "-30.00", "0.00")]
        {
            let mut movements =
                vec![movement("2026-11-01", Invoice, "R-1", 10_000, "EUR"), movement("2026-11-19", Invoice, "R-2", 7_000, "EUR")];
            movements.push(movement("2026-11-20", Payment, "TX", -ahead, "EUR"));
            let account = Account { movements, debts: debts.clone() };
            let made = statement(parse_date("2026-11-01").unwrap(), parse_date("2026-11-30").unwrap(), &account);
            let found = &made.accounts[0];
            assert_eq!((found.closing.to_string().as_str(), found.overdue.to_string().as_str()), (closing, overdue), "{ahead}");
        }
    }

    #[test]
    fn a_running_balance_in_each_currency() {
        use EntryKind::{CreditNote, Invoice, Payment, Void};
        let movements = [
            movement("2026-11-20", Payment, "TX2", -5_000, "EUR"),
            movement("2026-10-01", Invoice, "R-1", 11_900, "EUR"),
            movement("2026-10-20", Payment, "TX1", -11_900, "EUR"),
            movement("2026-11-01", Void, "R-2", -4_000, "EUR"),
            movement("2026-11-01", Invoice, "R-3", 20_000, "EUR"),
            movement("2026-11-01", Invoice, "R-2", 4_000, "EUR"),
            movement("2026-11-05", Invoice, "J-1", 3_000, "JPY"),
            movement("2026-11-06", CreditNote, "G-1", -500, "JPY"),
            movement("2026-12-01", Invoice, "R-4", 9_999, "EUR"),
            movement("2026-09-01", Invoice, "S-1", 100, "CHF"),
            movement("2026-09-02", Payment, "S-1", -100, "CHF"),
        ];
        let debts = [Debt { due_on: parse_date("2026-11-15").unwrap(), left: Money::from_minor(15_000, "EUR".parse().unwrap()) }];
        let account = Account { movements: movements.to_vec(), debts: debts.to_vec() };
        let made = statement(parse_date("2026-11-01").unwrap(), parse_date("2026-11-30").unwrap(), &account);
        let told: Vec<String> = made
            .accounts
            .iter()
            .flat_map(|account| {
                let entries =
                    account.entries.iter().map(|e| format!("{} {} {} {} {}", e.on, e.kind, e.reference, e.change, e.balance));
                let sums = format!("{} {} {} {}", account.currency, account.opening, account.closing, account.overdue);
                entries.chain([sums]).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            told,
            [
                "2026-11-01 invoice R-2 40.00 40.00",
                "2026-11-01 invoice R-3 200.00 240.00",
                "2026-11-01 void R-2 -40.00 200.00",
                "2026-11-20 payment TX2 -50.00 150.00",
                "EUR 0.00 150.00 150.00",
                "2026-11-05 invoice J-1 3000 3000",
                "2026-11-06 credit_note G-1 -500 2500",
                "JPY 0 2500 0",
            ]
        );
    }

    #[test]
    fn what_is_overdue_is_a_part_of_what_is_owed() {
        let eur = |minor| Money::from_minor(minor, "EUR".parse().unwrap());
        let (from, to) = (parse_date("2026-11-01").unwrap(), parse_date("2026-11-15").unwrap());
        let owed = [movement("2026-11-01", EntryKind::Invoice, "R-1", 10_000, "EUR")];
        let debt = |due_on: &str| vec![Debt { due_on: parse_date(due_on).unwrap(), left: eur(10_000) }];
        let overdue = |movements: &[Movement], due_on: &str| {
            let account = Account { movements: movements.to_vec(), debts: debt(due_on) };
            statement(from, to, &account).accounts[0].overdue
        };
        assert_eq!(overdue(&owed, "2026-11-14").to_string(), "100.00");
        assert_eq!(overdue(&owed, "2026-11-15").to_string(), "0.00", "it may still be paid today");
        let ahead = [owed[0].clone(), movement("2026-11-02", EntryKind::Payment, "TX1", -8_000, "EUR")];
        assert_eq!(overdue(&ahead, "2026-11-14").to_string(), "20.00");
        let more = [owed[0].clone(), movement("2026-11-02", EntryKind::Payment, "TX1", -12_000, "EUR")];
        assert_eq!(overdue(&more, "2026-11-14").to_string(), "0.00");
    }

    #[test]
    fn it_begins_with_the_oldest_that_is_not_paid() {
        let to = parse_date("2026-11-15").unwrap();
        let oldest = parse_date("2026-07-03").unwrap();
        assert_eq!(default_from(Some(oldest), to), oldest);
        assert_eq!(default_from(None, to), parse_date("2026-10-01").unwrap());
        assert_eq!(default_from(Some(parse_date("2026-12-01").unwrap()), to), parse_date("2026-10-01").unwrap());
    }
}
