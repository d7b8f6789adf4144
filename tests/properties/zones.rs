//! "Today" and the job in every time zone, through gaps and folds: one invoice a period.

use crate::fixtures::{any_contract, company, contract, day, facts, reference};
use chrono::{DateTime, Days, NaiveDate, Offset as _, TimeDelta, Utc};
use chrono_tz::Tz;
use finops::model::{Cadence, Contract};
use finops::rules::billing::{CompanyFacts, Options, PlannedInvoice, Reference, plan_company};
use finops::rules::periods::BillingCalendar;
use finops::rules::schedule::today;
use proptest::prelude::*;

fn instant(date: NaiveDate) -> DateTime<Utc> {
    date.and_hms_opt(0, 0, 0).unwrap().and_utc()
}

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    at.with_timezone(&zone).offset().fix().local_minus_utc()
}

/// The hours of 2020–2040 in which a zone's clock was changed: found in steps of a week, so that a
/// change that is taken back within one is not seen.
pub fn clock_changes(zone: Tz) -> Vec<DateTime<Utc>> {
    let end = instant(day(2041, 1, 1));
    let mut changes = Vec::new();
    let mut week = instant(day(2020, 1, 1));
    let mut before = offset(zone, week);
    while week < end {
        let next = week + TimeDelta::weeks(1);
        let after = offset(zone, next);
        if after != before {
            let hours = (1..=168).map(|hour| week + TimeDelta::hours(hour));
            changes.extend(hours.into_iter().find(|at| offset(zone, *at) != before));
        }
        (week, before) = (next, after);
    }
    changes
}

/// A company as the database would keep it: what a run makes is seen by the next.
struct Business {
    facts: CompanyFacts,
    invoices: Vec<PlannedInvoice>,
}

impl Business {
    fn of(contracts: Vec<Contract>) -> Self {
        let contracts = contracts.into_iter().map(facts).collect();
        Self { facts: CompanyFacts { company: company(), contracts, items: Vec::new() }, invoices: Vec::new() }
    }

    fn run(&mut self, reference: &Reference, as_of: DateTime<Utc>) {
        let options = Options { as_of, period: None, cadence: None, max_missed: 3, allow_many_missed: true };
        let plan = plan_company(&self.facts, reference, &options);
        assert!(plan.failed.is_empty() && plan.skipped.is_empty(), "{plan:?}");
        for (id, next) in plan.schedule {
            let contracts = &mut self.facts.contracts;
            match next {
                Some(next) => {
                    contracts.iter_mut().find(|facts| facts.contract.contract_id == id).unwrap().next_start = next.next_start
                }
                None => contracts.retain(|facts| facts.contract.contract_id != id),
            }
        }
        self.invoices.extend(plan.invoices);
    }

    fn billed(&self) -> Vec<(String, NaiveDate)> {
        let claims = self.invoices.iter().flat_map(|invoice| &invoice.claims);
        claims.map(|claim| (claim.contract_id.to_string(), claim.period.start())).collect()
    }
}

#[test]
fn one_date_an_instant_and_one_invoice_a_period_wherever_clocks_change() {
    let mut seen = 0;
    for zone in chrono_tz::TZ_VARIANTS {
        let reference = reference(zone);
        for change in clock_changes(zone) {
            seen += 1;
            // Contracts that fall due around the change; a clock set back over midnight repeats a date.
            let middle = today(change, zone);
            let starts = [middle - Days::new(1), middle, middle + Days::new(1)];
            let named = |(index, start): (usize, &NaiveDate)| Contract {
                contract_id: format!("c{index}").parse().unwrap(),
                ..contract(Cadence::Monthly, 1, *start)
            };
            let mut business = Business::of(starts.iter().enumerate().map(named).collect());
            let mut latest = NaiveDate::MIN;
            for hour in -4..=4 {
                let at = change + TimeDelta::hours(hour);
                let date = today(at, zone);
                let local = at.naive_utc() + TimeDelta::seconds(i64::from(offset(zone, at)));
                assert_eq!(date, local.date());
                latest = latest.max(date);
                business.run(&reference, at);
                let due: Vec<_> =
                    (0..3).filter(|index| starts[*index] <= latest).map(|index| (format!("c{index}"), starts[index])).collect();
                let mut billed = business.billed();
                billed.sort();
                assert_eq!(billed, due, "{zone} at {at}");
            }
        }
    }
    assert!(seen > 5_000, "only {seen} changes were found: is the time zone database there?");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cron runs once a day, at any hour, and fails now and then for up to three days.
    #[test]
    fn each_due_period_is_billed_once_and_in_order(
        contract in any_contract(),
        zone in prop::sample::select(chrono_tz::TZ_VARIANTS.to_vec()),
        hour in 0_i64..24,
        gaps in prop::collection::vec(1_u64..=4, 100..200),
    ) {
        let reference = reference(zone);
        let start = contract.bill_from.map_or(contract.start, |from| from.max(contract.start));
        let mut business = Business::of(vec![contract.clone()]);
        let mut date = start - Days::new(3);
        let mut latest = NaiveDate::MIN;
        for gap in gaps {
            date = date + Days::new(gap);
            let at = instant(date) + TimeDelta::hours(hour);
            latest = latest.max(today(at, zone));
            business.run(&reference, at);
            business.run(&reference, at);
        }
        let calendar = BillingCalendar::new(&contract).unwrap();
        let due = calendar.periods().take_while(|period| calendar.due_on(period) <= latest);
        let expected: Vec<_> = due.map(|period| ("c".to_owned(), period.service.start())).collect();
        prop_assert_eq!(business.billed(), expected);
    }
}
