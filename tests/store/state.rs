//! What makes a rerun do nothing and keeps two runs apart: schedules, claims, numbers, run state,
//! planned effects; and pages that come in the same order on both engines.

use crate::effects::{act, due};
use crate::fixtures::*;
use crate::support::{each_engine, now};
use chrono::TimeDelta;
use finops::model::{CompanyId, ContractId, EffectKind, FullInvoice, RunId};
use finops::store::billing::{self, BilledPeriod, DueKey, Next, ScheduleChange};
use finops::store::effects::{self, NewEffect, Place};
use finops::store::numbers::{self, Given, Taken};
use finops::store::runs::{self, Run, RunItem};
use finops::store::{StoreError, claims, invoices, items};

/// Ids that people's sorting, case, accents and digits would order otherwise.
const MIXED: [&str; 10] = ["10", "9", "A", "B", "Z-1", "a", "b", "z", "Ä", "é"];

fn change(company: &str, due_on: Option<&str>, revision: i64) -> ScheduleChange {
    ScheduleChange {
        company_id: company.parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        next: due_on.map(|on| Next { start: day("2026-10-01"), due_on: day(on) }),
        revision,
    }
}

#[test]
fn pages_come_in_the_order_of_bytes_on_both_engines() {
    each_engine(|db| {
        let mut db = db.open();
        let mut shuffled = MIXED;
        shuffled.reverse();
        shuffled.swap(2, 7);
        seed(&mut db, &shuffled);
        let changes: Vec<ScheduleChange> = shuffled.iter().map(|c| change(c, Some("2026-10-01"), 0)).collect();
        write(&mut db, |tx| billing::move_schedules(tx, &changes));
        let billables: Vec<_> = shuffled.iter().map(|c| (billable(c, "k"), day("2026-11-01"))).collect();
        write(&mut db, |tx| items::upsert(tx, &billables.iter().map(|(i, on)| (i, *on)).collect::<Vec<_>>()));
        let drafts: Vec<FullInvoice> = (0..).zip(shuffled).map(|(n, c)| draft(c, n)).collect();
        write(&mut db, |tx| invoices::insert(tx, drafts.iter()));
        let acts: Vec<NewEffect> = shuffled.iter().map(|c| act(c)).collect();
        write(&mut db, |tx| effects::plan(tx, EffectKind::Document, &acts, now()));

        for limit in [1, 3, 10, 11] {
            let mut seen = Vec::new();
            let mut after = DueKey::default();
            loop {
                let page = read(&mut db, |tx| billing::due(tx, day("2026-10-31"), &after, limit));
                let Some(last) = page.last() else { break };
                after = last.clone();
                seen.extend(page.into_iter().map(|k| k.1));
            }
            assert_eq!(seen, MIXED, "due, {limit} a page");

            let mut seen: Vec<String> = Vec::new();
            loop {
                let last = seen.last().cloned().unwrap_or_default();
                let on = if last.is_empty() { "" } else { "2026-11-01" };
                let page = read(&mut db, |tx| items::companies_due(tx, day("2026-11-01"), (on, &last), limit));
                if page.is_empty() {
                    break;
                }
                seen.extend(page.into_iter().map(|k| k.1));
            }
            assert_eq!(seen, MIXED, "items, {limit} a page");

            let mut seen: Vec<String> = Vec::new();
            let mut after = (String::new(), String::new(), String::new(), String::new());
            loop {
                let page = read(&mut db, |tx| invoices::drafts(tx, &after, limit));
                let Some(last) = page.last() else { break };
                after = (last.company_id.to_string(), "c".into(), last.period.start().to_string(), last.invoice_id.to_string());
                seen.extend(page.into_iter().map(|i| i.company_id.to_string()));
            }
            assert_eq!(seen, MIXED, "drafts, {limit} a page");

            let mut seen: Vec<String> = Vec::new();
            let mut place = Place::default();
            loop {
                let page = due(&mut db, &place, limit);
                let Some(last) = page.last() else { break };
                place = Place::after(last);
                seen.extend(page.into_iter().map(|e| e.company_id.to_string()));
            }
            assert_eq!(seen, MIXED, "effects, {limit} a page");
        }
        let of = read(&mut db, |tx| billing::due_contracts(tx, &MIXED, day("2026-10-31")));
        assert_eq!(of.iter().map(|d| d.contract.company_id.as_str()).collect::<Vec<_>>(), MIXED);
    });
}

#[test]
fn nothing_is_due_before_its_day_or_after_its_end() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        write(&mut db, |tx| billing::move_schedules(tx, &[change("a", Some("2026-10-31"), 0), change("b", None, 0)]));
        assert_eq!(read(&mut db, |tx| billing::count_due(tx, day("2026-10-30"))), 0);
        assert!(read(&mut db, |tx| billing::count_due(tx, day("2026-10-31"))) > 0);
        let (a, b, c): (CompanyId, CompanyId, ContractId) = ("a".parse().unwrap(), "b".parse().unwrap(), "c".parse().unwrap());
        let next = Next { start: day("2026-10-01"), due_on: day("2026-10-31") };
        assert_eq!(read(&mut db, |tx| billing::schedule(tx, &a, &c)), Some((Some(next), 0)));
        assert_eq!(read(&mut db, |tx| billing::schedule(tx, &b, &c)), Some((None, 0)));
    });
}

#[test]
fn a_schedule_that_moved_meanwhile_is_refused() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        write(&mut db, |tx| billing::move_schedules(tx, &[change("a", Some("2026-10-01"), 0), change("b", None, 0)]));
        write(&mut db, |tx| billing::move_schedules(tx, &[change("a", Some("2026-11-01"), 0)]));
        let mut tries = 0;
        let both = [change("b", Some("2027-01-01"), 0), change("a", Some("2026-12-01"), 0)];
        let refused = db.write(|tx| {
            tries += 1;
            billing::move_schedules(tx, &both)
        });
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
        assert_eq!(tries, 6, "replayed five times, from what is there then");
        let b: CompanyId = "b".parse().unwrap();
        let left = read(&mut db, |tx| billing::schedule(tx, &b, &"c".parse().unwrap()));
        assert_eq!(left, Some((None, 0)), "what was refused left nothing behind");
    });
}

fn billed(company: &str, start: &str, revision: u32, n: u32) -> BilledPeriod {
    BilledPeriod {
        company_id: company.parse().unwrap(),
        contract_id: "c".parse().unwrap(),
        start: day(start),
        end: day("2026-12-31"),
        revision,
        invoice_id: invoice_id(n),
    }
}

#[test]
fn a_period_is_billed_once_per_revision() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let (a, c): (CompanyId, ContractId) = ("a".parse().unwrap(), "c".parse().unwrap());
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1), draft("a", 2)].iter()));
        let claim = |db: &mut _, start, revision, n| write(db, |tx| billing::claim(tx, &[&billed("a", start, revision, n)]));
        assert!(claim(&mut db, "2026-10-01", 0, 1));
        assert!(!claim(&mut db, "2026-10-01", 0, 2), "billed already");
        assert!(claim(&mut db, "2026-10-01", 1, 2), "made anew after it was voided");
        assert!(claim(&mut db, "2026-11-01", 0, 2));
        let of = read(&mut db, |tx| billing::of_invoice(tx, &a, &invoice_id(2)));
        assert_eq!(
            of.iter().map(|p| (p.start, p.revision)).collect::<Vec<_>>(),
            [(day("2026-10-01"), 1), (day("2026-11-01"), 0)]
        );
        let all = read(&mut db, |tx| billing::billed_periods(tx, &a, &c));
        assert_eq!(all.iter().map(|p| p.0).collect::<Vec<_>>(), [day("2026-10-01"), day("2026-11-01")]);
        assert_eq!(read(&mut db, |tx| billing::issued_until(tx, &a, &c)), None, "drafts alone");
        let latest = |db: &mut _, start| read(db, |tx| billing::latest_revision(tx, &a, &c, day(start)));
        assert_eq!(latest(&mut db, "2026-10-01"), Some((1, invoice_id(2))), "the last that billed it");
        assert_eq!(latest(&mut db, "2026-11-01"), Some((0, invoice_id(2))));
        assert_eq!(latest(&mut db, "2026-10-02"), None, "no period starts there");
        assert_eq!(write(&mut db, |tx| billing::release(tx, &a, &invoice_id(2))), 2);
        assert!(claim(&mut db, "2026-11-01", 0, 1), "a draft that went away frees its periods");

        write(&mut db, |tx| billing::move_schedules(tx, &[change("a", Some("2026-10-01"), 0)]));
        let found = read(&mut db, |tx| billing::due_billed(tx, &["a"], day("2026-10-31")));
        assert_eq!(found.iter().map(|f| f.2).collect::<Vec<_>>(), [day("2026-10-01"), day("2026-11-01")]);
    });
}

#[test]
fn claims_are_taken_kept_given_back_and_taken_over() {
    each_engine(|db| {
        let mut conn = db.open();
        let soon = now() + TimeDelta::minutes(10);
        let take = |conn: &mut _, owner: &str, companies: &[&str], at| {
            write(conn, |tx| claims::take(tx, "job", owner, companies, at, at + TimeDelta::minutes(10)))
        };
        assert_eq!(take(&mut conn, "one", &["A", "a", "b"], now()), ["A", "a", "b"]);
        assert_eq!(take(&mut conn, "two", &["a", "b", "c"], now()), ["c"], "the others are taken");
        assert_eq!(take(&mut conn, "one", &["a"], now()), ["a"], "its own again");
        assert_eq!(write(&mut conn, |tx| claims::take(tx, "other", "two", &["a"], now(), soon)), ["a"], "another job");
        assert!(!write(&mut conn, |tx| claims::release(tx, "job", "two", &["a"])), "not its own");
        assert!(write(&mut conn, |tx| claims::release(tx, "job", "one", &["A"])));
        let hold =
            |conn: &mut _, owner: &str, companies: &[&str]| write(conn, |tx| claims::extend(tx, "job", owner, companies, soon));
        assert!(!hold(&mut conn, "one", &["A"]), "given back");
        assert_eq!(take(&mut conn, "two", &["A"], now()), ["A"], "given back");
        assert!(hold(&mut conn, "one", &["a", "b"]) && hold(&mut conn, "one", &[]));
        assert!(hold(&mut conn, "one", &["b", "a"]), "in any order, as often as it is asked");
        assert!(!hold(&mut conn, "one", &["A", "a", "b"]), "one of them is another's");
        assert!(!hold(&mut conn, "two", &["a"]), "of another job, it is");

        let fence = |company: &str| -> i64 {
            db.value(&format!("SELECT fence FROM claims WHERE company_id = '{company}' AND job = 'job'")).parse().unwrap()
        };
        let before = fence("b");
        assert!(take(&mut conn, "two", &["b"], soon).is_empty(), "at the very end it still holds");
        let later = soon + TimeDelta::minutes(1);
        assert!(write(&mut conn, |tx| claims::extend(tx, "job", "one", &["b"], later)), "while the work goes on");
        assert!(take(&mut conn, "two", &["b"], later).is_empty(), "extended");
        assert_eq!(take(&mut conn, "two", &["b"], later + TimeDelta::milliseconds(1)), ["b"], "expired");
        assert!(fence("b") > before, "taking over raises the fence");
        assert!(!write(&mut conn, |tx| claims::release(tx, "job", "one", &["b"])), "taken over: the work is another's");
    });
}

#[test]
fn numbers_are_contiguous_and_never_go_back_in_time() {
    each_engine(|db| {
        let mut db = db.open();
        let take = |db: &mut _, year, count, on| write(db, |tx| numbers::take(tx, "s", year, count, day(on)));
        assert_eq!(take(&mut db, 2026, 3, "2026-10-30"), Taken::From(1));
        assert_eq!(take(&mut db, 2026, 2, "2026-10-31"), Taken::From(4));
        assert_eq!(take(&mut db, 2026, 1, "2026-10-30"), Taken::LaterDateIssued(day("2026-10-31")));
        assert_eq!(take(&mut db, 2026, 1, "2026-10-31"), Taken::From(6), "what was refused took none");
        let undone: Result<(), StoreError> = db.write(|tx| {
            numbers::take(tx, "s", 2026, 9, day("2026-10-31"))?;
            Err(StoreError::Other("undone".to_owned()))
        });
        assert!(undone.is_err());
        assert_eq!(take(&mut db, 2026, 1, "2026-10-31"), Taken::From(7), "a rollback gives them back");
        assert_eq!(take(&mut db, 2027, 1, "2027-01-01"), Taken::From(1), "a new year begins anew");
        assert_eq!(read(&mut db, |tx| numbers::last_issued_on(tx, "s")), Some(day("2027-01-01")));
        let late = take(&mut db, 2026, 1, "2026-12-31");
        assert_eq!(late, Taken::LaterDateIssued(day("2027-01-01")), "dates ascend over the years");
        let (company, invoice) = ("a".parse().unwrap(), invoice_id(1));
        let given = || Given { series_id: "s", year: 2026, seq: 1, company_id: &company, document_id: &invoice };
        write(&mut db, |tx| numbers::record(tx, &[given()]));
        assert!(matches!(db.write(|tx| numbers::record(tx, &[given()])), Err(StoreError::Constraint(_))), "given once");
    });
}

#[test]
fn two_at_once_take_numbers_without_a_gap() {
    each_engine(|db| {
        const EACH: u32 = 25;
        let issue = |who: u32| {
            let mut conn = db.open();
            for n in 0..EACH {
                let document = invoice_id(who * 1000 + n);
                let company: CompanyId = "a".parse().unwrap();
                write(&mut conn, |tx| match numbers::take(tx, "s", 2026, 2, day("2026-10-31"))? {
                    Taken::From(first) => {
                        let given = |seq| Given { series_id: "s", year: 2026, seq, company_id: &company, document_id: &document };
                        numbers::record(tx, &[given(first), given(first + 1)])
                    }
                    Taken::LaterDateIssued(_) => unreachable!(),
                });
            }
        };
        std::thread::scope(|scope| {
            [1, 2, 3].map(|who| scope.spawn(move || issue(who))).into_iter().for_each(|t| t.join().unwrap())
        });
        let seqs: Vec<String> = db.rows("SELECT seq FROM document_numbers ORDER BY seq").into_iter().flatten().collect();
        assert_eq!(seqs, (1..=EACH * 2 * 3).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

fn run_id(n: u32) -> RunId {
    format!("01930000-0000-7000-8000-{n:012}").parse().unwrap()
}

#[test]
fn runs_and_heartbeats() {
    each_engine(|db| {
        let mut db = db.open();
        let run = |n: u32| Run {
            run_id: run_id(n),
            job: format!("job{}", n % 2),
            scope: AWKWARD.to_owned(),
            as_of: now(),
            started_by: "cron".to_owned(),
            host: String::new(),
            pid: u32::MAX,
            process: "boot/1/2/3".to_owned(),
            started_at: now() + TimeDelta::minutes(n.into()),
            heartbeat_at: now(),
            finished_at: None,
            outcome: "running".to_owned(),
            summary: "{}".to_owned(),
        };
        for n in 1..=3 {
            write(&mut db, |tx| runs::begin(tx, &run(n)));
        }
        let mut count = |batch| write(&mut db, |tx| runs::count_batch(tx, &run_id(1), batch, now() + TimeDelta::hours(1)));
        assert_eq!([1, 1, 2, 1].map(&mut count), [true, false, true, false], "each batch once");
        write(&mut db, |tx| runs::finish(tx, &run_id(2), now() + TimeDelta::hours(2), "done", AWKWARD));
        let all = read(&mut db, |tx| runs::list(tx, "", 9));
        assert_eq!(all.iter().map(|r| r.run_id.clone()).collect::<Vec<_>>(), [run_id(3), run_id(2), run_id(1)], "newest first");
        assert_eq!((all[0].pid, all[0].scope.as_str(), all[0].finished_at), (u32::MAX, AWKWARD, None));
        assert_eq!((all[1].finished_at, all[1].summary.as_str()), (Some(now() + TimeDelta::hours(2)), AWKWARD));
        assert_eq!(all[2].heartbeat_at, now() + TimeDelta::hours(1));
        assert_eq!(read(&mut db, |tx| runs::list(tx, "job1", 9)).len(), 2);
        assert_eq!(read(&mut db, |tx| runs::find(tx, run_id(3).as_str())).len(), 1);
        assert_eq!(read(&mut db, |tx| runs::find(tx, "0193")).len(), 2, "at most two are read");
        assert!(read(&mut db, |tx| runs::find(tx, "0194")).is_empty());

        write(&mut db, |tx| runs::heartbeat(tx, "job1", now(), "failed"));
        write(&mut db, |tx| runs::heartbeat(tx, "job1", now() + TimeDelta::hours(1), "done"));
        let beats = read(&mut db, runs::heartbeats);
        assert_eq!(beats, [("job1".to_owned(), now() + TimeDelta::hours(1), "done".to_owned())]);
    });
}

#[test]
fn what_is_not_done_is_kept_and_counted() {
    each_engine(|db| {
        let mut db = db.open();
        let item = |company: &str, class: &str| RunItem {
            company_id: company.parse().unwrap(),
            job: "job".to_owned(),
            subject: AWKWARD.to_owned(),
            period: String::new(),
            class: class.to_owned(),
            message: long(),
            attempts: 1,
            parked: false,
        };
        write(&mut db, |tx| runs::put_items(tx, &[item("a", "x"), item("b", "x")], now()));
        let again = RunItem { parked: true, attempts: 2, ..item("a", "y") };
        write(&mut db, |tx| runs::put_items(tx, std::slice::from_ref(&again), now()));
        let found = read(&mut db, |tx| runs::items_of(tx, "job", &["a", "b"]));
        assert_eq!(found, [again.clone(), item("b", "x")]);
        assert!(read(&mut db, |tx| runs::items_of(tx, "other", &["a", "b"])).is_empty());
        write(&mut db, |tx| runs::clear_item(tx, &again));
        assert_eq!(read(&mut db, |tx| runs::all_items(tx, 9)), [item("b", "x")]);
    });
}
