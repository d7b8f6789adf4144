//! Billing periods against a calendar that is walked day by day.

use crate::fixtures::{any_contract, any_day, day};
use chrono::{Datelike, NaiveDate};
use finops::model::{Cadence, Contract};
use finops::rules::periods::{BillingCalendar, ServicePeriod};
use finops::rules::schedule::next_unbilled;
use proptest::prelude::*;

/// Far enough for every contract of the strategy to have ended, or to be well under way.
fn horizon() -> NaiveDate {
    day(2100, 1, 1)
}

fn all(contract: &Contract) -> Vec<ServicePeriod> {
    let calendar = BillingCalendar::new(contract).unwrap();
    calendar.periods().take_while(|period| period.service.start() < horizon()).collect()
}

fn billed_from(contract: &Contract) -> NaiveDate {
    contract.bill_from.map_or(contract.start, |from| from.max(contract.start))
}

/// Whether an anchor boundary lies on `date`, told from the words of the rule alone.
fn is_boundary(contract: &Contract, date: NaiveDate) -> bool {
    let every = i32::from(contract.interval.every.get());
    if contract.interval.cadence == Cadence::Weekly {
        let monday = contract.start.week(chrono::Weekday::Mon).first_day();
        let zero = contract.anchor_day.map_or(contract.start, |day| monday + chrono::Days::new(u64::from(day) - 1));
        return (date - zero).num_days() % i64::from(7 * every) == 0;
    }
    let months = match contract.interval.cadence {
        Cadence::Weekly | Cadence::Monthly => every,
        Cadence::Quarterly => 3 * every,
        Cadence::Yearly => 12 * every,
    };
    let anchor = contract.anchor_day.map_or(contract.start.day(), u32::from);
    let is_month_end = date.succ_opt().unwrap().day() == 1;
    let since = (date.year() - contract.start.year()) * 12 + date.month0().cast_signed() - contract.start.month0().cast_signed();
    since % months == 0 && (date.day() == anchor || (is_month_end && date.day() < anchor))
}

proptest! {
    #[test]
    fn periods_cover_every_billed_day_once(contract in any_contract()) {
        let periods = all(&contract);
        let mut next = billed_from(&contract);
        for ServicePeriod { service, full } in &periods {
            prop_assert_eq!(service.start(), next, "no gap, no overlap");
            prop_assert_eq!(full.overlap(*service), Some(*service));
            next = service.end();
        }
        match contract.end {
            Some(end) => prop_assert_eq!(next, end.max(billed_from(&contract))),
            None => prop_assert!(next >= horizon()),
        }
    }

    #[test]
    fn full_periods_run_from_boundary_to_boundary(contract in any_contract()) {
        for ServicePeriod { full, .. } in all(&contract).into_iter().take(8) {
            prop_assert!(is_boundary(&contract, full.start()) && is_boundary(&contract, full.end()), "{}", full);
            let inside = full.start().iter_days().skip(1).take_while(|date| *date < full.end());
            for date in inside {
                prop_assert!(!is_boundary(&contract, date), "{} lies inside {}", date, full);
            }
        }
    }

    #[test]
    fn it_does_not_matter_where_one_starts(contract in any_contract(), date in any_day()) {
        let calendar = BillingCalendar::new(&contract).unwrap();
        let periods = all(&contract);
        let expected = periods.iter().copied().find(|period| period.service.start() >= date);
        prop_assert_eq!(calendar.first_from(date), expected);
        prop_assert_eq!(calendar.containing(date), periods.into_iter().find(|period| period.service.contains(date)));
    }

    #[test]
    fn the_pointer_passes_by_what_is_billed(contract in any_contract(), mask in any::<u8>()) {
        let periods = all(&contract);
        let billed = |index: usize| index < 8 && mask & (1 << index) != 0;
        let starts: Vec<NaiveDate> =
            (0..periods.len()).filter(|index| billed(*index)).map(|index| periods[index].service.start()).collect();
        let next = next_unbilled(&contract, false, &starts).unwrap();
        let expected = periods.iter().enumerate().find(|(index, _)| !billed(*index)).map(|(_, period)| period.service.start());
        prop_assert_eq!(next.map(|next| next.next_start), expected);
    }
}
