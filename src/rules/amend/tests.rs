use super::*;
use crate::model::calendar::parse_date;
use crate::model::{Cadence, Interval, Timing};

fn date(text: &str) -> NaiveDate {
    parse_date(text).unwrap()
}

fn id(text: &str) -> ItemId {
    text.parse().unwrap()
}

fn price(price: i64) -> Terms {
    Terms { unit_price: Some(price.into()), ..Terms::default() }
}

/// From 2026-01-01, with one item at 100.
fn agreement() -> Agreement {
    let contract = Contract {
        company_id: "acme".parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        seller_id: "de".parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        interval: Interval::new(Cadence::Monthly, 1).unwrap(),
        timing: Timing::Advance,
        anchor_day: None,
        start: date("2026-01-01"),
        end: None,
        bill_from: None,
        trial_end: None,
        payment_terms_days: None,
        tax_inclusive: false,
        description: String::new(),
        reference: String::new(),
        reminder_policy: String::new(),
    };
    let bare = Agreement { contract, items: Vec::new(), plans: Vec::new(), pauses: Vec::new() };
    bare.amend(date("2026-01-01"), &Amendment::Add(id("seats"), price(100))).unwrap()
}

/// Each step must be a change, and must change nothing when it is said again.
fn amended(steps: &[(&str, Amendment)]) -> Agreement {
    steps.iter().fold(agreement(), |agreed, (on, step)| {
        let after = agreed.amend(date(on), step).unwrap();
        assert_ne!(after, agreed, "{on} {step:?}");
        assert_eq!(after.amend(date(on), step), Ok(after.clone()), "again: {on} {step:?}");
        after
    })
}

fn versions(agreed: &Agreement) -> Vec<String> {
    let told = |item: &ContractItem| {
        let end = item.end.map_or_else(String::new, |end| format!(" until {end}"));
        format!("{} {} × {} from {}{end}", item.item_id, item.quantity, item.unit_price, item.valid_from)
    };
    agreed.items.iter().map(told).collect()
}

fn pauses(agreed: &Agreement) -> Vec<String> {
    agreed.pauses.iter().map(|p| format!("{}..{}", p.from, p.until.map_or_else(String::new, |day| day.to_string()))).collect()
}

fn refused(agreed: &Agreement, on: &str, amendment: &Amendment) -> String {
    agreed.amend(date(on), amendment).unwrap_err().message
}

#[test]
fn a_change_is_a_version_from_its_day_on() {
    let quantity = Terms { quantity: Some(7.into()), ..Terms::default() };
    let agreed = amended(&[
        ("2026-10-18", Amendment::Change(None, price(120))),
        ("2026-11-01", Amendment::Change(Some(id("seats")), quantity)),
        // Dated back: it holds until the next version.
        ("2026-10-10", Amendment::Change(None, price(110))),
    ]);
    assert_eq!(
        versions(&agreed),
        [
            "seats 1 × 100 from 2026-01-01",
            "seats 1 × 110 from 2026-10-10",
            "seats 1 × 120 from 2026-10-18",
            "seats 7 × 120 from 2026-11-01",
        ]
    );
    // What holds already makes no version, whenever it began.
    assert_eq!(agreed.amend(date("2026-10-25"), &Amendment::Change(None, price(120))).as_ref(), Ok(&agreed));
}

#[test]
fn items_come_and_go() {
    let backup = || Amendment::Add(id("backup"), price(10));
    let agreed = amended(&[
        ("2026-03-01", backup()),
        ("2026-06-01", Amendment::Change(Some(id("backup")), price(12))),
        ("2026-05-01", Amendment::Remove(id("backup"))),
        ("2026-08-01", backup()),
    ]);
    assert_eq!(
        versions(&agreed),
        ["backup 1 × 10 from 2026-03-01 until 2026-05-01", "backup 1 × 10 from 2026-08-01", "seats 1 × 100 from 2026-01-01",]
    );
    let agreed = agreed.amend(date("2026-08-01"), &Amendment::Remove(id("backup"))).unwrap();
    assert_eq!(agreed.active(date("2026-08-01")), [&id("seats")]);
    let change = Amendment::Change(Some(id("backup")), price(1));
    assert_eq!(refused(&agreed, "2026-06-01", &change), "contract c has no item backup of its own on 2026-06-01");
    assert!(refused(&agreed, "2026-06-01", &Amendment::Add(id("seats"), price(1))).contains("since 2026-01-01 already"));
    assert!(refused(&agreed, "2026-06-01", &Amendment::Add(id("x"), Terms::default())).contains("no price"));
    assert!(refused(&agreed, "2025-12-31", &change).contains("begins on 2026-01-01"));
}

#[test]
fn the_only_item_needs_no_name() {
    let agreed = amended(&[("2026-03-01", Amendment::Add(id("backup"), price(10)))]);
    let refusal = agreed.amend(date("2026-03-01"), &Amendment::Change(None, price(1))).unwrap_err();
    assert_eq!(refusal.hint, "name the item with --item: backup, seats");
    assert!(agreed.amend(date("2026-02-01"), &Amendment::Change(None, price(1))).is_ok());
}

#[test]
fn pauses_end_when_they_are_resumed() {
    let agreed = amended(&[
        ("2026-03-10", Amendment::Pause(None)),
        ("2026-04-20", Amendment::Resume),
        ("2026-06-01", Amendment::Pause(Some(date("2026-09-01")))),
        ("2026-07-01", Amendment::Resume),
        // Right after the one before.
        ("2026-07-01", Amendment::Pause(None)),
    ]);
    assert_eq!(pauses(&agreed), ["2026-03-10..2026-04-20", "2026-06-01..2026-07-01", "2026-07-01.."]);
    // Taken back, and asked for again.
    let none = agreed.amend(date("2026-07-01"), &Amendment::Resume).unwrap();
    assert_eq!(pauses(&none)[2], "2026-07-01..2026-07-01");
    assert_eq!(none.amend(date("2026-07-01"), &Amendment::Pause(None)), Ok(agreed.clone()));
    for (on, until) in [("2026-03-01", None), ("2026-04-19", Some("2026-05-01")), ("2026-08-01", None)] {
        assert!(refused(&agreed, on, &Amendment::Pause(until.map(date))).contains("is paused from"), "{on}");
    }
    assert!(refused(&agreed, "2026-05-01", &Amendment::Pause(Some(date("2026-05-01")))).contains("cannot end"));
    assert_eq!(refused(&agreed, "2026-05-01", &Amendment::Resume), "contract c is not paused on 2026-05-01");
}

#[test]
fn an_end_can_move_and_be_taken_back() {
    let agreed =
        amended(&[("2026-10-18", Amendment::Cancel), ("2026-12-01", Amendment::Cancel), ("2026-10-18", Amendment::Cancel)]);
    assert_eq!(agreed.contract.end, Some(date("2026-10-18")));
    let late = refused(&agreed, "2026-10-18", &Amendment::Change(None, price(1)));
    assert_eq!(late, "contract c ends on 2026-10-18: nothing of it is served on 2026-10-18");
    assert_eq!(agreed.amend(date("2026-11-01"), &Amendment::Reinstate), Ok(agreement()));
    assert!(agreed.amend(date("2026-01-01"), &Amendment::Cancel).is_ok(), "start = end bills nothing");
    assert!(refused(&agreed, "2025-12-31", &Amendment::Cancel).contains("begins on 2026-01-01"));
}

#[test]
fn what_a_model_has_elsewhere_is_not_said_here() {
    let tiered = Terms { price_model: Some(PriceModel::Graduated), ..Terms::default() };
    let refused = agreement().amend(date("2026-02-01"), &Amendment::Change(None, tiered)).unwrap_err();
    assert!(refused.message.contains("has its prices in tiers"), "{refused}");
    let of_plan = Terms { price_model: Some(PriceModel::Plan), unit_price: Some(5.into()), ..Terms::default() };
    let refused = agreement().amend(date("2026-02-01"), &Amendment::Change(None, of_plan)).unwrap_err();
    assert!(refused.message.contains("has no price of its own"), "{refused}");
}
