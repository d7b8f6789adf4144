//! What follows from a failure: again in this run, later, after a look, never, or a person
//! (reliability.md, "Failures"). Pure: the clock and the chance are arguments.

use crate::model::{Failure, FailureClass, Outage};
use chrono::{DateTime, TimeDelta, Utc};

/// How often work of a class is tried, and how the pauses grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Attempts, the first included, before it waits for a person.
    pub attempts: u32,
    /// The pause after the first failure; each further one is twice as long …
    pub first: TimeDelta,
    /// … up to this.
    pub longest: TimeDelta,
}

/// Whether an act may be done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It does no harm: a content-addressed name, an id by which the receiver knows it again.
    Harmless,
    /// It would: whoever lost the answer looks first (charges, mails).
    LookUp,
}

/// How long mail that is refused for now is tried again (RFC 5321, 4.5.4.1, has four to five days;
/// after three a person should know).
const DEFERRED_FOR: TimeDelta = TimeDelta::days(3);
/// One that was first tried when those days were over is tried a few times all the same.
const DEFERRED_AT_LEAST: u32 = 5;
const DEFERRED_FIRST: TimeDelta = TimeDelta::minutes(15);
const DEFERRED_LONGEST: TimeDelta = TimeDelta::hours(4);

/// The longest that a run waits because it was told to (429, Retry-After).
const WAIT_CAP: TimeDelta = TimeDelta::seconds(30);

/// What becomes of an act whose attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Planned again, not before this instant.
    Again(DateTime<Utc>),
    /// It may have been done: looked up, from this instant on.
    LookUp(DateTime<Utc>),
    /// Not until the data change or a person has it tried again.
    Never,
    /// It is not wanted any more.
    Drop,
}

/// What is known of an act whose attempt failed.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'f> {
    pub failure: &'f Failure,
    /// Attempts since it was planned, or since a person had it tried again; this one included.
    pub attempts: u32,
    pub planned_at: DateTime<Utc>,
    pub repeat: Repeat,
}

/// What follows in later runs. `chance` (0 to 255) spreads the pauses, so that what failed together
/// does not come back together.
pub fn next(tried: Tried, schedule: &Schedule, now: DateTime<Utc>, chance: u8) -> Next {
    let Tried { failure, attempts, planned_at, repeat } = tried;
    let later = |pause: TimeDelta| now + spread(pause, chance).max(failure.retry_after.unwrap_or_default());
    let by_schedule = || match attempts < schedule.attempts {
        true => Next::Again(later(doubled(schedule.first, attempts, schedule.longest))),
        false => Next::Never,
    };
    match failure.class {
        FailureClass::NoAnswer => match repeat {
            Repeat::Harmless => by_schedule(),
            Repeat::LookUp => Next::LookUp(now),
        },
        // Nothing was sent, so it does no harm to try for as long as one that is refused for now.
        FailureClass::Unreachable => match by_schedule() {
            Next::Never if now - planned_at < DEFERRED_FOR => Next::Again(later(DEFERRED_LONGEST)),
            next => next,
        },
        FailureClass::Throttled | FailureClass::Broken | FailureClass::SoftDecline | FailureClass::Local => by_schedule(),
        // Everybody's failure, not this act's: it waits for the configuration, however long.
        FailureClass::Denied => Next::Again(now),
        FailureClass::Deferred if now - planned_at < DEFERRED_FOR || attempts < DEFERRED_AT_LEAST => {
            Next::Again(later(doubled(DEFERRED_FIRST, attempts, DEFERRED_LONGEST)))
        }
        FailureClass::Deferred | FailureClass::HardDecline | FailureClass::Rejected => Next::Never,
        FailureClass::Obsolete => Next::Drop,
    }
}

/// The pause before another try within the same run, if there is to be one. `tries` counts those
/// of this run, from 1.
pub fn pause_in_run(failure: &Failure, tries: u32, repeat: Repeat, chance: u8) -> Option<TimeDelta> {
    match failure.class {
        // It was waited for long enough.
        FailureClass::Unreachable if failure.outage == Outage::Silent => None,
        FailureClass::Unreachable => match tries {
            1 => Some(spread(TimeDelta::milliseconds(500), chance)),
            2 => Some(spread(TimeDelta::seconds(5), chance)),
            _ => None,
        },
        // The same key again: where that could do harm, the look-up comes first.
        FailureClass::NoAnswer => (tries == 1 && repeat == Repeat::Harmless).then(|| spread(TimeDelta::seconds(1), chance)),
        FailureClass::Throttled => failure.retry_after.filter(|told| tries <= 3 && *told <= WAIT_CAP),
        FailureClass::Broken
        | FailureClass::Deferred
        | FailureClass::SoftDecline
        | FailureClass::HardDecline
        | FailureClass::Rejected
        | FailureClass::Denied
        | FailureClass::Local
        | FailureClass::Obsolete => None,
    }
}

/// Failures of the other side in a row after which it is left alone for a run.
pub const GIVE_UP_AFTER: u32 = 10;

/// How many of those ten a failure counts for; none when it concerns one act alone (a decline, a bad address).
///
/// Three connections in a row that cannot be had, or waits in vain, are enough: they concern the server, not the
/// act, and each may take a minute. An answer that was waited for in vain where a repetition would do harm is
/// enough by itself, since every further act would be in doubt as well.
pub const fn weight(failure: &Failure, repeat: Repeat) -> u32 {
    match (failure.class, failure.outage, repeat) {
        (FailureClass::NoAnswer, Outage::Silent, Repeat::LookUp) => GIVE_UP_AFTER,
        (class, Outage::None, _) => is_of_the_provider(class) as u32,
        (_, Outage::Unreached | Outage::Silent, _) => GIVE_UP_AFTER.div_ceil(3),
    }
}

const fn is_of_the_provider(class: FailureClass) -> bool {
    match class {
        FailureClass::Unreachable
        | FailureClass::NoAnswer
        | FailureClass::Throttled
        | FailureClass::Broken
        | FailureClass::Denied
        | FailureClass::Local => true,
        FailureClass::Deferred
        | FailureClass::SoftDecline
        | FailureClass::HardDecline
        | FailureClass::Rejected
        | FailureClass::Obsolete => false,
    }
}

fn doubled(first: TimeDelta, failures: u32, longest: TimeDelta) -> TimeDelta {
    let factor = 1_i32 << failures.saturating_sub(1).min(20);
    first.checked_mul(factor).map_or(longest, |pause| pause.min(longest))
}

/// Between three quarters and five quarters of a pause.
fn spread(pause: TimeDelta, chance: u8) -> TimeDelta {
    pause * 3 / 4 + pause * i32::from(chance) / 510
}

/// A rate: so many acts in so long, all of them at once if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub acts: u32,
    pub per: TimeDelta,
}

/// Whether an act is within the rate now: the instant to keep for the next one, or (`Err`) from
/// when it will be. This is the generic cell rate algorithm (ITU-T I.371): one instant is all that
/// is kept.
pub fn admit(free_at: Option<DateTime<Utc>>, rate: Rate, now: DateTime<Utc>) -> Result<DateTime<Utc>, DateTime<Utc>> {
    let each = rate.per / i32::try_from(rate.acts.max(1)).unwrap_or(i32::MAX);
    let theoretical = free_at.map_or(now, |at| at.max(now));
    let allowed_from = theoretical + each - rate.per;
    if allowed_from <= now { Ok(theoretical + each) } else { Err(allowed_from) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule { attempts: 3, first: TimeDelta::minutes(1), longest: TimeDelta::minutes(3) };

    fn after(class: FailureClass, attempts: u32, repeat: Repeat) -> Next {
        let failure = Failure::new(class, "");
        let tried = Tried { failure: &failure, attempts, planned_at: DateTime::UNIX_EPOCH, repeat };
        next(tried, &SCHEDULE, DateTime::UNIX_EPOCH, 127)
    }

    #[test]
    fn what_cannot_be_reached_is_tried_as_long_as_what_is_refused_for_now() {
        let failure = Failure::new(FailureClass::Unreachable, "no connection");
        let at = |hours: i64, attempts: u32| {
            let tried = Tried { failure: &failure, attempts, planned_at: DateTime::UNIX_EPOCH, repeat: Repeat::LookUp };
            next(tried, &SCHEDULE, DateTime::UNIX_EPOCH + TimeDelta::hours(hours), 0)
        };
        assert!(matches!(at(0, 1), Next::Again(on) if on < DateTime::UNIX_EPOCH + TimeDelta::hours(1)), "by its schedule");
        assert!(matches!(at(4, 3), Next::Again(_)) && matches!(at(71, 20), Next::Again(_)));
        assert_eq!(at(72, 20), Next::Never);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        assert_eq!(doubled(SCHEDULE.first, 1, SCHEDULE.longest), TimeDelta::minutes(1));
        assert_eq!(doubled(SCHEDULE.first, 2, SCHEDULE.longest), TimeDelta::minutes(2));
        assert_eq!(doubled(SCHEDULE.first, 60, SCHEDULE.longest), TimeDelta::minutes(3));
        assert!(matches!(after(FailureClass::Broken, 2, Repeat::LookUp), Next::Again(_)));
        assert_eq!(after(FailureClass::Broken, 3, Repeat::LookUp), Next::Never);
    }

    #[test]
    fn chance_spreads_by_a_quarter() {
        let pause = TimeDelta::seconds(100);
        assert_eq!((spread(pause, 0), spread(pause, 255)), (TimeDelta::seconds(75), TimeDelta::seconds(125)));
    }

    #[test]
    fn what_may_have_been_done_is_looked_up() {
        assert_eq!(after(FailureClass::NoAnswer, 1, Repeat::LookUp), Next::LookUp(DateTime::UNIX_EPOCH));
        assert!(matches!(after(FailureClass::NoAnswer, 1, Repeat::Harmless), Next::Again(_)));
        let lost = Failure::new(FailureClass::NoAnswer, "");
        assert_eq!(pause_in_run(&lost, 1, Repeat::LookUp, 0), None);
        assert!(pause_in_run(&lost, 1, Repeat::Harmless, 0).is_some());
        assert_eq!(pause_in_run(&lost, 2, Repeat::Harmless, 0), None);
    }

    #[test]
    fn a_refusal_stands_and_wrong_credentials_wait() {
        for class in [FailureClass::Rejected, FailureClass::HardDecline] {
            assert_eq!(after(class, 1, Repeat::Harmless), Next::Never);
        }
        assert_eq!(after(FailureClass::Denied, 99, Repeat::Harmless), Next::Again(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn mail_that_is_deferred_is_given_up_after_three_days() {
        let failure = Failure::new(FailureClass::Deferred, "450 try later");
        let at = |hours: i64, attempts: u32| {
            let tried = Tried { failure: &failure, attempts, planned_at: DateTime::UNIX_EPOCH, repeat: Repeat::LookUp };
            next(tried, &SCHEDULE, DateTime::UNIX_EPOCH + TimeDelta::hours(hours), 127)
        };
        assert!(matches!(at(71, 30), Next::Again(_)));
        assert_eq!(at(72, 30), Next::Never);
        assert!(matches!(at(72, 1), Next::Again(_)), "it lay for long before it was first tried");
    }

    #[test]
    fn what_is_told_is_waited_for() {
        let told = Failure { retry_after: Some(TimeDelta::hours(2)), ..Failure::new(FailureClass::Throttled, "429") };
        let tried = Tried { failure: &told, attempts: 1, planned_at: DateTime::UNIX_EPOCH, repeat: Repeat::Harmless };
        assert_eq!(next(tried, &SCHEDULE, DateTime::UNIX_EPOCH, 0), Next::Again(DateTime::UNIX_EPOCH + TimeDelta::hours(2)));
        assert_eq!(pause_in_run(&told, 1, Repeat::Harmless, 0), None, "longer than a run waits");
        let soon = Failure { retry_after: Some(TimeDelta::seconds(2)), ..told };
        assert_eq!(pause_in_run(&soon, 1, Repeat::Harmless, 0), Some(TimeDelta::seconds(2)));
    }

    #[test]
    fn a_server_that_cannot_be_had_is_left_alone_after_three_and_others_after_ten() {
        let weigh = |class, outage, repeat| weight(&Failure { outage, ..Failure::new(class, "") }, repeat);
        let times = |weight: u32| GIVE_UP_AFTER.div_ceil(weight);
        for outage in [Outage::Unreached, Outage::Silent] {
            assert_eq!(times(weigh(FailureClass::Unreachable, outage, Repeat::LookUp)), 3);
        }
        assert_eq!(times(weigh(FailureClass::Broken, Outage::None, Repeat::LookUp)), 10);
        assert_eq!(times(weigh(FailureClass::NoAnswer, Outage::Silent, Repeat::LookUp)), 1);
        assert_eq!(times(weigh(FailureClass::NoAnswer, Outage::None, Repeat::LookUp)), 10);
        assert_eq!(weigh(FailureClass::Rejected, Outage::None, Repeat::LookUp), 0);
        let silent = Failure { outage: Outage::Silent, ..Failure::new(FailureClass::Unreachable, "") };
        assert_eq!(pause_in_run(&silent, 1, Repeat::LookUp, 0), None, "it was waited for long enough");
    }

    #[test]
    fn a_rate_lets_a_burst_through_and_then_one_at_a_time() {
        let rate = Rate { acts: 10, per: TimeDelta::minutes(1) };
        let now = DateTime::UNIX_EPOCH;
        let mut free_at = None;
        for _ in 0..10 {
            free_at = Some(admit(free_at, rate, now).unwrap());
        }
        let from = admit(free_at, rate, now).unwrap_err();
        assert_eq!(from, now + TimeDelta::seconds(6));
        let next = admit(free_at, rate, from).unwrap();
        assert_eq!(admit(Some(next), rate, from).unwrap_err(), now + TimeDelta::seconds(12));
        assert!(admit(Some(next), rate, now + TimeDelta::hours(1)).is_ok());
    }

    /// In no window of a minute are there more than twice the burst, and over long no more than the rate.
    #[test]
    fn a_rate_holds_over_an_hour() {
        let rate = Rate { acts: 10, per: TimeDelta::minutes(1) };
        let (mut free_at, mut admitted) = (None, 0);
        for second in 0..3600 {
            if let Ok(next) = admit(free_at, rate, DateTime::UNIX_EPOCH + TimeDelta::seconds(second)) {
                (free_at, admitted) = (Some(next), admitted + 1);
            }
        }
        assert!((600..=610).contains(&admitted), "{admitted}");
    }
}
