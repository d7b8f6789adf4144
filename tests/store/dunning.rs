//! What is owed, what was reminded of, what is held back, and what moved an account.

use crate::fixtures::*;
use crate::support::{each_engine, now};
use finops::model::account::{Debt, Movement};
use finops::model::dunning::{Hold, HoldKind};
use finops::model::message::EntryKind;
use finops::model::{CompanyId, Contract, EffectState, FullInvoice, Invoice, InvoiceState, Money, Payment, SellerId};
use finops::store::dunning::{self, DueRange, Planned, Reminder};
use finops::store::{Db, contracts, invoices, payments, statement};

/// An invoice over 100.00 EUR that is due on a day, in a state.
pub fn billed(db: &mut Db, company: &str, n: u32, due_on: &str, state: InvoiceState) {
    let FullInvoice { head, lines, taxes } = draft(company, n);
    let head = Invoice { net: euro(10_000), tax: euro(0), total: euro(10_000), ..head };
    write(db, |tx| {
        invoices::insert(tx, std::iter::once(&FullInvoice { head: head.clone(), lines: lines.clone(), taxes: taxes.clone() }))?;
        if state == InvoiceState::Draft {
            return Ok(());
        }
        let open = Invoice {
            state: InvoiceState::Open,
            number: Some(format!("R-{n}")),
            issued_on: Some(day("2026-10-01")),
            due_on: Some(day(due_on)),
            ..head.clone()
        };
        assert!(invoices::issue(tx, std::slice::from_ref(&open))?);
        if state != InvoiceState::Open {
            assert!(invoices::set_state(tx, &open.company_id, &open.invoice_id, InvoiceState::Open, state)?);
        }
        Ok(())
    });
}

fn paid(db: &mut Db, company: &str, n: u32, amount: i64, settles: i64, on: &str) {
    let payment = Payment {
        company_id: company.parse().unwrap(),
        provider: "bank".to_owned(),
        reference: format!("TX{n}"),
        amount: euro(amount),
        received_on: day(on),
    };
    write(db, |tx| {
        assert!(payments::insert(tx, &payment, &invoice_id(n))?);
        payments::allocate(tx, &payment, &invoice_id(n), euro(settles))
    });
}

fn range(from: &str, to: &str) -> DueRange {
    (day(from), day(to))
}

#[test]
fn what_is_owed_is_found_by_company_and_due_date() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b", "Ä"]);
        billed(&mut db, "a", 1, "2026-10-15", InvoiceState::Open);
        billed(&mut db, "a", 2, "2026-10-10", InvoiceState::Open);
        billed(&mut db, "a", 3, "2026-10-12", InvoiceState::Paid);
        billed(&mut db, "a", 4, "2026-10-12", InvoiceState::Draft);
        billed(&mut db, "Ä", 5, "2026-10-31", InvoiceState::Open);
        billed(&mut db, "b", 6, "2026-10-12", InvoiceState::Void);
        paid(&mut db, "a", 1, 2_500, 2_500, "2026-10-20");
        write(&mut db, |tx| contracts::upsert(tx, &[&Contract { reminder_policy: "gentle".to_owned(), ..contract("a", "c") }]));

        let owing = |db: &mut Db, from, to, after: &str| {
            let found = read(db, |tx| dunning::companies_owing(tx, range(from, to), after, 9));
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(owing(&mut db, "2026-10-01", "2026-10-31", ""), ["a", "Ä"]);
        assert_eq!(owing(&mut db, "2026-10-01", "2026-10-31", "a"), ["Ä"]);
        assert_eq!(owing(&mut db, "2026-10-11", "2026-10-14", ""), [""; 0]);
        assert_eq!(read(&mut db, |tx| dunning::count_owing(tx, range("0001-01-01", "2026-10-15"))), 1);

        let owed = read(&mut db, |tx| dunning::owed(tx, &["a", "b", "Ä"], range("2026-10-01", "2026-10-31")));
        let told: Vec<String> =
            owed.iter().map(|o| format!("{} {} {} {} {}", o.company_id, o.number, o.due_on, o.balance, o.policy)).collect();
        assert_eq!(told, ["a R-2 2026-10-10 100.00 gentle", "a R-1 2026-10-15 75.00 gentle", "Ä R-5 2026-10-31 100.00 none"]);
    });
}

#[test]
fn a_reminder_is_recorded_once_for_an_invoice_and_level() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        billed(&mut db, "a", 1, "2026-10-15", InvoiceState::Open);
        billed(&mut db, "a", 2, "2026-10-15", InvoiceState::Open);
        let a: CompanyId = "a".parse().unwrap();
        let reminder = |n, level, key: &str, instead_of: &str| Reminder {
            company_id: a.clone(),
            invoice_id: invoice_id(n),
            level,
            message_key: key.to_owned(),
            instead_of: instead_of.to_owned(),
        };
        let first = [reminder(1, 1, "k", ""), reminder(2, 1, "k", "")];
        assert!(write(&mut db, |tx| dunning::record(tx, &first, now())));
        let again = [reminder(2, 14, "l", ""), reminder(1, 1, "l", "")];
        assert!(!write(&mut db, |tx| dunning::record(tx, &again, now())), "one of them stands");
        let planned = |db: &mut Db, from, to| -> Vec<String> {
            let found = read(db, |tx| dunning::planned(tx, &["a"], range(from, to)));
            let told = |p: &Planned| format!("{} {:+} {} {}", p.invoice_id, p.level, p.message_key, p.came_at.is_some());
            found.iter().map(told).collect()
        };
        let all = [(1, 1, "k false"), (2, 1, "k false"), (2, 14, "l false")];
        let told = |rows: &[(u32, i32, &str)]| -> Vec<String> {
            rows.iter().map(|(n, level, rest)| format!("{} {level:+} {rest}", invoice_id(*n))).collect()
        };
        assert_eq!(planned(&mut db, "2026-10-01", "2026-10-31"), told(&all));
        assert_eq!(planned(&mut db, "2026-11-01", "2026-11-30"), [""; 0]);

        let listed = read(&mut db, |tx| dunning::of_company(tx, &a, ""));
        let rows: Vec<_> = listed.iter().map(|l| (l.number.as_str(), l.reminder.level, l.planned_at)).collect();
        assert_eq!(rows, [("R-1", 1, now()), ("R-2", 1, now()), ("R-2", 14, now())]);
        assert_eq!(read(&mut db, |tx| dunning::of_company(tx, &a, invoice_id(1).as_str())).len(), 1);

        // One that did not arrive is planned anew, by whoever is first; one that came is not.
        assert!(write(&mut db, |tx| dunning::record(tx, &[reminder(1, 1, "k#2", "k")], now())));
        assert!(!write(&mut db, |tx| dunning::record(tx, &[reminder(1, 1, "k#3", "k")], now())));
        assert_eq!(planned(&mut db, "2026-10-01", "2026-10-31")[0], told(&[(1, 1, "k#2 false")])[0]);
        let both = [invoice_id(1), invoice_id(2)];
        assert!(read(&mut db, |tx| dunning::is_in_use(tx, &a, "k", &both)));
        write(&mut db, |tx| dunning::came(tx, &a, "k", &both, now()));
        assert_eq!(
            planned(&mut db, "2026-10-01", "2026-10-31"),
            told(&[(1, 1, "k#2 false"), (2, 1, "k true"), (2, 14, "l false")])
        );
        assert!(!write(&mut db, |tx| dunning::record(tx, &[reminder(2, 1, "k#2", "k")], now())));
        write(&mut db, |tx| invoices::set_state(tx, &a, &invoice_id(2), InvoiceState::Open, InvoiceState::Paid).map(drop));
        assert_eq!(planned(&mut db, "2026-10-01", "2026-10-31").len(), 1, "of what is open");
    });
}

/// Only those of reminders that did not come; another message may have a key that begins alike.
#[test]
fn what_became_of_reminders_that_did_not_come() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let a: CompanyId = "a".parse().unwrap();
        billed(&mut db, "a", 1, "2026-10-15", InvoiceState::Open);
        let keys = [(1, "r:1"), (2, "r:2"), (3, "r:3")];
        let reminder = |(level, key): (i32, &str)| Reminder {
            company_id: a.clone(),
            invoice_id: invoice_id(1),
            level,
            message_key: key.to_owned(),
            instead_of: String::new(),
        };
        assert!(write(&mut db, |tx| dunning::record(tx, &keys.map(reminder), now())));
        write(&mut db, |tx| dunning::came(tx, &a, "r:3", &[invoice_id(1)], now()));
        write(&mut db, |tx| {
            let rows = [
                ("email:r:1:x@a.example", "failed"),
                ("email:r:1x:x@a.example", "succeeded"),
                ("email:r:3:x@a.example", "succeeded"),
                ("slack:r:1:x", "succeeded"),
                ("sms:r:2:+49", "planned"),
            ];
            for (key, state) in rows {
                const SQL: &str =
                    "INSERT INTO effects (company_id, idempotency_key, kind, subject, state, attempts, error, provider_ref,
                  planned_at, payload) VALUES ('a', $1, 'message.email', '', $2, 0, '', '', '2026-10-16T00:00:00Z', $1)";
                tx.execute(SQL, &[key.into(), state.into()])?;
            }
            Ok(())
        });
        let found = read(&mut db, |tx| dunning::messages(tx, &["a"]));
        let told: Vec<_> = found.iter().map(|m| (m.message_key.as_str(), m.state, m.payload.as_str())).collect();
        assert_eq!(told, [("r:1", EffectState::Failed, "email:r:1:x@a.example"), ("r:2", EffectState::Planned, "sms:r:2:+49")]);
    });
}

#[test]
fn holds_are_kept_by_subject_and_kind() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let hold = |company: &str, n: Option<u32>, kind, until: Option<&str>| Hold {
            company_id: company.parse().unwrap(),
            invoice_id: n.map(invoice_id),
            kind,
            until: until.map(day),
            reason: AWKWARD.to_owned(),
        };
        let (of_a, of_one) = (hold("a", None, HoldKind::Pause, None), hold("a", Some(1), HoldKind::Dispute, None));
        let (promise, of_b) =
            (hold("a", Some(1), HoldKind::Promise, Some("2026-12-01")), hold("b", None, HoldKind::Promise, Some("2026-12-01")));
        for one in [&promise, &of_one, &of_b, &of_a] {
            write(&mut db, |tx| dunning::hold(tx, one, now()));
        }
        let later = Hold { until: Some(day("2026-12-24")), ..promise.clone() };
        write(&mut db, |tx| dunning::hold(tx, &later, now()));
        assert_eq!(read(&mut db, |tx| dunning::holds(tx, &["a", "b"])), [of_a.clone(), of_one.clone(), later, of_b]);
        let release =
            |db: &mut Db, of: &Hold| write(db, |tx| dunning::release(tx, &of.company_id, of.invoice_id.as_ref(), of.kind));
        assert!(release(&mut db, &of_a) && release(&mut db, &of_one) && !release(&mut db, &of_one));
        assert_eq!(read(&mut db, |tx| dunning::holds(tx, &["a"])).len(), 1);
        let companies = read(&mut db, |tx| dunning::companies_reminded(tx, "", 9));
        assert_eq!(companies, ["a".parse().unwrap(), "b".parse().unwrap()]);
    });
}

#[test]
fn an_account_is_all_that_moved_it_until_a_day() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let (a, seller): (CompanyId, SellerId) = ("a".parse().unwrap(), "seller".parse().unwrap());
        for (n, due_on, state) in [
            (1, "2026-10-15", InvoiceState::Open),
            (2, "2026-10-16", InvoiceState::Paid),
            (3, "2026-10-17", InvoiceState::Void),
            (4, "2026-10-18", InvoiceState::Uncollectible),
            (5, "2026-10-19", InvoiceState::Draft),
        ] {
            billed(&mut db, "a", n, due_on, state);
        }
        for (n, on) in [(3, "2026-10-13"), (4, "2026-11-02"), (3, "2026-11-05")] {
            write(&mut db, |tx| invoices::closed(tx, &a, &invoice_id(n), day(on)));
        }
        paid(&mut db, "a", 1, 3_000, 3_000, "2026-10-10");
        paid(&mut db, "a", 2, 12_000, 10_000, "2026-10-20");
        let found = |db: &mut Db, to: &str| {
            let account = read(db, |tx| statement::account(tx, &a, &seller, day(to)));
            let mut moved: Vec<String> = account
                .movements
                .iter()
                .map(|Movement { on, kind, reference, due_on, change }| {
                    assert_eq!(due_on.is_some(), *kind == EntryKind::Invoice);
                    format!("{on} {kind} {reference} {change}")
                })
                .collect();
            moved.sort();
            (moved, account.debts)
        };
        let debt = |due_on: &str, minor| Debt { due_on: day(due_on), left: Money::from_minor(minor, eur()) };
        let issued = |n| format!("2026-10-01 invoice R-{n} 100.00");
        let (moved, debts) = found(&mut db, "2026-10-12");
        assert_eq!(moved, [issued(1), issued(2), issued(3), issued(4), "2026-10-10 payment TX1 -30.00".into()]);
        assert_eq!(
            debts,
            [debt("2026-10-15", 7_000), debt("2026-10-16", 10_000), debt("2026-10-17", 10_000), debt("2026-10-18", 10_000)],
            "as it stood then"
        );
        let (moved, debts) = found(&mut db, "2026-10-31");
        assert_eq!(moved[5..], ["2026-10-13 void R-3 -100.00", "2026-10-20 payment TX2 -120.00"]);
        assert_eq!(debts, [debt("2026-10-15", 7_000), debt("2026-10-18", 10_000)]);
        let (moved, debts) = found(&mut db, "2026-11-02");
        assert_eq!(moved[7..], ["2026-11-02 write_off R-4 -100.00"]);
        assert_eq!(debts, [debt("2026-10-15", 7_000)]);
        assert_eq!(found(&mut db, "2026-09-30"), (Vec::new(), Vec::new()));

        assert_eq!(read(&mut db, |tx| statement::sellers_of(tx, &a)), std::slice::from_ref(&seller));
        assert_eq!(read(&mut db, |tx| statement::sellers_of(tx, &"b".parse().unwrap())), []);
        assert_eq!(read(&mut db, |tx| statement::oldest_open(tx, &a, &seller)), Some(day("2026-10-01")));
        assert_eq!(read(&mut db, |tx| statement::oldest_open(tx, &a, &"other".parse().unwrap())), None);
    });
}
