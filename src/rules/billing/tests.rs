//! What the main job decides, case by case. Sums and dates over all inputs: tests/properties.

mod changes;
mod changes_of_prices;

use super::*;
use crate::model::calendar::parse_date;
use crate::model::money::parse_decimal;
use crate::model::seller::{Address, BankDetails};
use crate::model::{Interval, PriceModel, TaxCategory, Timing};
use crate::rules::pauses::served;
use crate::rules::periods::BillingCalendar;

mod prices;
mod together;

fn date(text: &str) -> NaiveDate {
    parse_date(text).unwrap()
}

fn company() -> Company {
    Company {
        company_id: "acme".parse().unwrap(),
        name: "Acme".to_owned(),
        attention: String::new(),
        address: Address::default(),
        tax_id: String::new(),
        email: String::new(),
        time_zone: None,
        language: String::new(),
        payment_terms_days: None,
        consolidate: false,
        billing_day: 1,
        tax_code: None,
        reference: "PO-1".to_owned(),
        delivery: crate::model::Delivery::Email,
        account_manager: String::new(),
        reminder_policy: String::new(),
    }
}

fn seller(id: &str, zone: chrono_tz::Tz) -> Seller {
    Seller {
        seller_id: id.parse().unwrap(),
        name: String::new(),
        address: Address::default(),
        tax_id: String::new(),
        registration: String::new(),
        email: String::new(),
        phone: String::new(),
        website: String::new(),
        bank: BankDetails::default(),
        time_zone: zone,
        language: "en".to_owned(),
        payment_terms_days: 30,
        series_id: "main".to_owned(),
        number_format: "{seq}".to_owned(),
        credit_series_id: "credit".to_owned(),
        credit_number_format: "CN-{seq}".to_owned(),
        tax_code: "standard".parse().unwrap(),
        logo_sha256: String::new(),
        footer: String::new(),
    }
}

fn rate(code: &str, category: TaxCategory, percent: i64) -> TaxRate {
    TaxRate {
        seller_id: "de".parse().unwrap(),
        tax_code: code.parse().unwrap(),
        valid_from: date("2007-01-01"),
        category,
        rate: percent.into(),
        name: format!("{code} {percent} %"),
        note: String::new(),
    }
}

fn reference() -> Reference {
    let rates = vec![
        rate("standard", TaxCategory::Standard, 19),
        rate("reduced", TaxCategory::Standard, 7),
        rate("reverse", TaxCategory::ReverseCharge, 0),
    ];
    Reference::new(vec![seller("de", chrono_tz::Europe::Berlin), seller("nz", chrono_tz::Pacific::Auckland)], rates)
}

/// A monthly contract from 2026-01-01, in advance, billed up to the end of September, with one item of 100.
fn contract(id: &str) -> ContractFacts {
    let contract = Contract {
        company_id: "acme".parse().unwrap(),
        contract_id: id.parse().unwrap(),
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
    let items = vec![version(id, "2026-01-01", "100")];
    ContractFacts {
        contract,
        items,
        pauses: Vec::new(),
        discounts: Vec::new(),
        usage: Vec::new(),
        next_start: date("2026-10-01"),
        billed: Vec::new(),
    }
}

fn version(contract: &str, from: &str, price: &str) -> ContractItem {
    ContractItem {
        company_id: "acme".parse().unwrap(),
        contract_id: contract.parse().unwrap(),
        item_id: "support".parse().unwrap(),
        valid_from: date(from),
        end: None,
        description: "Support".to_owned(),
        price_model: PriceModel::Flat,
        quantity: 5.into(),
        unit: String::new(),
        unit_price: parse_decimal(price).unwrap(),
        terms: crate::model::PriceTerms::default(),
        tax_code: None,
    }
}

fn item(key: &str, dated: &str, price: &str) -> BillableItem {
    BillableItem {
        adjustment: None,
        company_id: "acme".parse().unwrap(),
        source_key: key.parse().unwrap(),
        seller_id: "de".parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        dated: date(dated),
        description: String::new(),
        quantity: 1.into(),
        unit: String::new(),
        unit_price: parse_decimal(price).unwrap(),
        tax_inclusive: false,
        tax_code: None,
    }
}

fn facts(contracts: Vec<ContractFacts>, items: Vec<BillableItem>) -> CompanyFacts {
    CompanyFacts { company: company(), contracts, items }
}

fn at(as_of: &str) -> Options {
    Options { as_of: as_of.parse().unwrap(), period: None, cadence: None, max_missed: 3, allow_many_missed: false }
}

/// As of noon UTC on that day.
fn plan(facts: &CompanyFacts, on: &str) -> CompanyPlan {
    plan_company(facts, &reference(), &at(&format!("{on}T12:00:00Z")))
}

/// Each invoice as `due contracts+items total`.
fn told(plan: &CompanyPlan) -> Vec<String> {
    let one = |invoice: &PlannedInvoice| {
        let claims = invoice.claims.iter().map(|claim| claim.contract_id.to_string());
        let billed: Vec<String> = claims.chain(invoice.takes.iter().map(ToString::to_string)).collect();
        format!("{} {} {}", invoice.due, billed.join("+"), invoice.total)
    };
    plan.invoices.iter().map(one).collect()
}

fn reasons(plan: &CompanyPlan) -> Vec<(String, &str)> {
    plan.skipped.iter().map(|skipped| (skipped.subject.to_string(), skipped.reason.as_str())).collect()
}

/// Each new pointer as `contract start due`.
fn pointers(plan: &CompanyPlan) -> Vec<String> {
    let row = |row: Option<ScheduleRow>| row.map_or("-".to_owned(), |row| format!("{} {}", row.next_start, row.next_due_on));
    plan.schedule.iter().map(|(id, next)| format!("{id} {}", row(*next))).collect()
}

#[test]
fn a_due_period_becomes_an_invoice_and_moves_the_pointer() {
    let facts = facts(vec![contract("c")], Vec::new());
    let plan = plan(&facts, "2026-10-15");
    assert_eq!(told(&plan), ["2026-10-01 c 119.00"]);
    assert_eq!(pointers(&plan), ["c 2026-11-01 2026-11-01"]);
    let invoice = &plan.invoices[0];
    assert_eq!((invoice.payment_terms_days, invoice.reference.as_str()), (30, "PO-1"));
    assert_eq!(invoice.contract_id.as_ref().map(ContractId::as_str), Some("c"));
    assert_eq!(invoice.lines[0].quantity, 1.into(), "a flat price is billed once, whatever the quantity says");
    assert_eq!(self::plan(&facts, "2026-09-30"), CompanyPlan::default());
}

#[test]
fn today_is_the_sellers() {
    let mut there = contract("c");
    there.contract.seller_id = "nz".parse().unwrap();
    let facts = facts(vec![there], Vec::new());
    // 2026-10-01 00:00 in Auckland (UTC+13) is 11:00 UTC on the day before.
    assert_eq!(plan_company(&facts, &reference(), &at("2026-09-30T10:59:59Z")).failed.len(), 0);
    let due = plan_company(&facts, &reference(), &at("2026-09-30T11:00:00Z"));
    assert!(due.failed[0].problem.to_string().contains("seller nz has no tax rate for code standard on 2026-10-31"));
    assert!(due.failed[0].problem.hint().contains("tax_code standard with valid_from 2026-10-31 or earlier"));
}

#[test]
fn missed_periods_are_caught_up_oldest_first_but_not_too_many() {
    let facts = facts(vec![contract("c")], Vec::new());
    let three = plan(&facts, "2026-12-31");
    assert_eq!(told(&three), ["2026-10-01 c 119.00", "2026-11-01 c 119.00", "2026-12-01 c 119.00"]);

    let four = plan(&facts, "2027-01-01");
    assert_eq!((told(&four), pointers(&four)), (vec![], vec![]));
    assert_eq!(reasons(&four), [("contract c".to_owned(), "too_many_missed")]);
    assert!(four.skipped[0].detail.starts_with("4 periods are due since 2026-10-01"));

    let options = Options { allow_many_missed: true, ..at("2027-01-01T12:00:00Z") };
    assert_eq!(plan_company(&facts, &reference(), &options).invoices.len(), 4);
}

#[test]
fn a_filter_only_filters() {
    let facts = facts(vec![contract("c")], vec![item("t", "2026-12-05", "10")]);
    let with = |period: &str| Options { period: Some(period.parse().unwrap()), ..at("2026-11-15T12:00:00Z") };
    let november = plan_company(&facts, &reference(), &with("2026-11"));
    assert_eq!(told(&november), ["2026-11-01 c 119.00"]);
    assert_eq!(pointers(&november), Vec::<String>::new(), "October is still open");
    let december = plan_company(&facts, &reference(), &with("2026-12"));
    assert_eq!(reasons(&december), [("contract c".to_owned(), "not_due"), ("item t".to_owned(), "not_due")]);
    assert_eq!(december.skipped[0].on, Some(date("2026-12-01")));
    assert_eq!(december.skipped[1].on, Some(date("2027-01-01")));
    let weekly = Options { cadence: Some(Cadence::Weekly), ..at("2027-01-15T12:00:00Z") };
    assert_eq!(plan_company(&facts, &reference(), &weekly), CompanyPlan::default());

    // What was billed out of order is passed by, and then the pointer jumps over it.
    let mut ahead = contract("c");
    ahead.billed = vec![date("2026-11-01")];
    let rest = plan(&self::facts(vec![ahead], Vec::new()), "2026-11-15");
    assert_eq!(
        (told(&rest), pointers(&rest)),
        (vec!["2026-10-01 c 119.00".to_owned()], vec!["c 2026-12-01 2026-12-01".to_owned()])
    );
}

#[test]
fn a_contract_without_items_waits_and_an_empty_period_is_passed_over() {
    let mut empty = contract("a");
    empty.items.clear();
    let mut later = contract("b");
    later.items = vec![version("b", "2026-11-10", "100")];
    let mut paused = contract("c");
    let (from, until) = (date("2026-09-20"), Some(date("2026-11-16")));
    paused.pauses = vec![Pause { company_id: company().company_id, contract_id: "c".parse().unwrap(), from, until }];
    paused.items = served(vec![version("c", "2026-01-01", "100")], &paused.pauses);
    let plan = plan(&facts(vec![later, empty, paused], Vec::new()), "2026-11-15");
    let expected = [("contract a", "no_items"), ("contract b", "nothing_to_bill"), ("contract c", "paused")];
    assert_eq!(reasons(&plan), expected.map(|(subject, reason)| (subject.to_owned(), reason)));
    assert_eq!(plan.skipped[2].detail, "it is paused from 2026-09-20 until 2026-11-16");
    let half = "2026-11-01 c 59.50";
    assert_eq!(told(&plan), ["2026-11-01 b 83.30", half], "21 of 30 days of 100.00, and 19 %; then 15");
    assert_eq!(pointers(&plan), ["b 2026-12-01 2026-12-01", "c 2026-12-01 2026-12-01"]);
}

#[test]
fn a_total_of_zero_is_billed_as_it_is() {
    let mut free = contract("c");
    free.items = vec![version("c", "2026-01-01", "0")];
    assert_eq!(told(&plan(&facts(vec![free], Vec::new()), "2026-10-15")), ["2026-10-01 c 0.00"]);
}

#[test]
fn the_last_period_ends_the_schedule() {
    let mut ending = contract("c");
    ending.contract.end = Some(date("2026-10-15"));
    ending.contract.timing = Timing::Arrears;
    let facts = facts(vec![ending], Vec::new());
    assert_eq!(told(&plan(&facts, "2026-10-14")), Vec::<String>::new());
    let plan = plan(&facts, "2026-10-15");
    assert_eq!(told(&plan), ["2026-10-15 c 53.74"], "14/31 × 100 = 45.16, and 19 %");
    assert_eq!(pointers(&plan), ["c -"]);
}

#[test]
fn a_change_inside_a_period_shows_both_versions() {
    let mut changed = contract("c");
    changed.items = vec![version("c", "2026-10-18", "200"), version("c", "2026-01-01", "100")];
    let plan = plan(&facts(vec![changed], Vec::new()), "2026-10-01");
    let lines: Vec<String> =
        plan.invoices[0].lines.iter().map(|line| format!("{} {} {}", line.period, line.unit_price, line.net)).collect();
    assert_eq!(lines, ["2026-10-01 to 2026-10-17 100 54.84", "2026-10-18 to 2026-10-31 200 90.32"]);
}

#[test]
fn contracts_of_one_day_are_consolidated() {
    let mut other_terms = contract("d");
    other_terms.contract.payment_terms_days = Some(7);
    let mut referenced = contract("b");
    referenced.contract.reference = "PO-2".to_owned();
    let mut facts = facts(vec![other_terms, contract("a"), referenced], vec![item("t", "2026-09-12", "10")]);
    facts.company.consolidate = true;
    let plan = plan(&facts, "2026-10-01");
    assert_eq!(told(&plan), ["2026-10-01 a+b+t 249.90", "2026-10-01 d 119.00"]);
    let invoice = &plan.invoices[0];
    assert_eq!((invoice.contract_id.as_ref(), invoice.reference.as_str()), (None, "PO-1, PO-2"));
    assert_eq!(invoice.period.to_string(), "2026-09-12 to 2026-10-31", "from the first to the last day of any line");
}

#[test]
fn a_failing_contract_stops_alone_consolidated_or_not() {
    let mut broken = contract("b");
    broken.items.push(ContractItem { tax_code: Some("luxury".parse().unwrap()), ..version("b", "2026-11-01", "100") });
    broken.items.push(version("b", "2026-12-01", "100"));
    let mut facts = facts(vec![contract("a"), broken], vec![item("t", "2026-11-12", "10")]);
    let apart = plan(&facts, "2026-12-01");
    assert_eq!(told(&apart), ["2026-10-01 a 119.00", "2026-10-01 b 119.00", "2026-11-01 a+t 130.90", "2026-12-01 a 119.00"]);
    assert_eq!(pointers(&apart), ["a 2027-01-01 2027-01-01", "b 2026-11-01 2026-11-01"]);
    let failed: Vec<_> = apart.failed.iter().map(|failed| failed.problem.to_string()).collect();
    assert_eq!(failed, ["contract b, item support: seller de has no tax rate for code luxury on 2026-11-30"]);

    facts.company.consolidate = true;
    let together = plan(&facts, "2026-12-01");
    assert_eq!(told(&together), ["2026-10-01 a+b 238.00", "2026-11-01 a+t 130.90", "2026-12-01 a 119.00"]);
    assert_eq!(pointers(&together), pointers(&apart));
    assert_eq!(together.failed, apart.failed);
}

#[test]
fn items_go_onto_the_earliest_invoice_that_ends_after_them() {
    let mut inclusive = item("incl", "2026-10-02", "11.90");
    inclusive.tax_inclusive = true;
    let items = vec![item("nov", "2026-11-01", "10"), item("oct", "2026-10-31", "10"), inclusive];
    let facts = facts(vec![contract("c")], items);
    assert_eq!(told(&plan(&facts, "2026-10-31")), ["2026-10-01 c+oct 130.90"]);
    let november = plan(&facts, "2026-11-01");
    assert_eq!(told(&november), ["2026-10-01 c+oct 130.90", "2026-11-01 c+nov 130.90", "2026-11-01 incl 11.90"]);
    assert_eq!(november.invoices[2].net.to_string(), "10.00");
}

#[test]
fn items_without_a_contract_stand_alone_on_the_billing_day() {
    let mut facts = facts(Vec::new(), vec![item("b", "2026-10-30", "20"), item("a", "2026-10-05", "10")]);
    facts.company.billing_day = 31;
    facts.company.payment_terms_days = Some(14);
    assert_eq!(told(&plan(&facts, "2026-10-30")), Vec::<String>::new());
    let plan = plan(&facts, "2026-10-31");
    assert_eq!(told(&plan), ["2026-10-31 a+b 35.70"]);
    assert_eq!(
        (plan.invoices[0].period.to_string().as_str(), plan.invoices[0].payment_terms_days),
        ("2026-10-05 to 2026-10-30", 14)
    );
}

#[test]
fn items_that_stand_alone_are_apart_by_currency_and_by_prices_with_tax() {
    let inclusive = BillableItem { tax_inclusive: true, ..item("b", "2026-10-06", "11.90") };
    let yen = BillableItem { currency: "JPY".parse().unwrap(), ..item("c", "2026-10-07", "1000") };
    let items = vec![item("a", "2026-10-05", "10"), inclusive, yen, item("d", "2026-10-08", "20")];
    let plan = plan(&facts(Vec::new(), items), "2026-11-01");
    assert_eq!(told(&plan), ["2026-11-01 a+d 35.70", "2026-11-01 b 11.90", "2026-11-01 c 1190"]);
}

#[test]
fn an_item_that_cannot_be_billed_stops_nobody() {
    let mut broken = item("broken", "2026-10-02", "10");
    broken.tax_code = Some("luxury".parse().unwrap());
    let mut nobody = item("nobody", "2026-10-02", "10");
    nobody.seller_id = "gone".parse().unwrap();
    let plan = plan(&facts(vec![contract("c")], vec![broken, nobody, item("good", "2026-10-02", "10")]), "2026-10-15");
    assert_eq!(told(&plan), ["2026-10-01 c+good 130.90"]);
    let failed: Vec<_> = plan.failed.iter().map(|failed| format!("{}: {}", failed.subject, failed.problem)).collect();
    assert_eq!(
        failed,
        [
            "item broken: item broken: seller de has no tax rate for code luxury on 2026-10-02",
            "item nobody: seller gone does not exist"
        ]
    );
}

#[test]
fn the_companys_tax_code_goes_before_the_items() {
    let mut contract = contract("c");
    contract.items[0].tax_code = Some("reduced".parse().unwrap());
    let mut facts = facts(vec![contract], Vec::new());
    assert_eq!(told(&plan(&facts, "2026-10-15")), ["2026-10-01 c 107.00"]);
    facts.company.tax_code = Some("reverse".parse().unwrap());
    let plan = plan(&facts, "2026-10-15");
    assert_eq!(told(&plan), ["2026-10-01 c 100.00"]);
    assert_eq!(plan.invoices[0].taxes[0].category, TaxCategory::ReverseCharge);
}
