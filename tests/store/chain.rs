//! The audit chain, verified by other code than wrote it.

use crate::fixtures::*;
use crate::support::{audit::verify, each_engine, now};
use chrono::TimeDelta;
use finops::store::StoreError;
use finops::store::audit::{Author, Entry, append};

fn entry(company: &str, id: &str) -> Entry {
    Entry { company_id: company.into(), action: "a.b", entity: "thing", entity_id: id.into(), payload: format!("{{\"{id}\":1}}") }
}

fn author(minutes: i64) -> Author {
    Author::person(AWKWARD, now() + TimeDelta::minutes(minutes))
}

#[test]
fn each_company_has_a_chain_and_its_head_follows() {
    each_engine(|db| {
        let mut conn = db.open();
        write(&mut conn, |tx| append(tx, &author(0), &[entry("b", "1"), entry("Ä", AWKWARD), entry("b", "2")]));
        let moved = write(&mut conn, |tx| append(tx, &author(1), &[entry("b", "3"), entry("a", ""), entry("_system", "1")]));
        assert!(write(&mut conn, |tx| append(tx, &author(2), &[])).is_empty());
        let heads: Vec<(String, u64)> = verify(db).into_iter().collect();
        assert_eq!(heads, [("_system".into(), 1), ("a".into(), 1), ("b".into(), 3), ("Ä".into(), 1)]);
        let head = db.value("SELECT hash FROM audit_heads WHERE company_id = 'b'");
        assert_eq!(head, format!("\\x{}", moved[2].hash.iter().map(|b| format!("{b:02x}")).collect::<String>()));
    });
}

#[test]
fn two_who_append_at_once_make_one_chain() {
    each_engine(|db| {
        let work = |who: usize| {
            let mut conn = db.open();
            for n in 0..15 {
                let (first, second) = if who == 0 { ("a", "b") } else { ("b", "a") };
                let entries = [entry(first, &format!("{who}-{n}")), entry(second, &format!("{who}-{n}"))];
                // A writer that met others five times in a row is told so; the job's next run goes on.
                while conn.write(|tx| append(tx, &author(0), &entries)).is_err() {}
            }
        };
        std::thread::scope(|scope| [0, 1].map(|who| scope.spawn(move || work(who))).into_iter().for_each(|t| t.join().unwrap()));
        let heads: Vec<(String, u64)> = verify(db).into_iter().collect();
        assert_eq!(heads, [("a".into(), 30), ("b".into(), 30)]);
    });
}

#[test]
fn a_head_behind_its_log_is_damage_and_not_a_busy_database() {
    each_engine(|db| {
        let mut conn = db.open();
        for n in 0..3 {
            write(&mut conn, |tx| append(tx, &author(n), &[entry("a", &n.to_string()), entry("b", "1")]));
        }
        db.execute("UPDATE audit_heads SET seq = 1 WHERE company_id = 'a'").unwrap();
        let entries = [entry("b", "2"), entry("a", "x"), entry("a", "y"), entry("a", "z")];
        let refused = conn.write(|tx| append(tx, &author(9), &entries)).unwrap_err();
        assert!(matches!(&refused, StoreError::Chain(told) if told.contains("company a")), "{refused:?}");
        assert!(refused.refuses_a_row() && !refused.is_transient(), "the other companies go on");
        write(&mut conn, |tx| append(tx, &author(9), &entries[..1]));
        db.execute("DELETE FROM audit_heads WHERE company_id = 'a'").unwrap();
        assert!(matches!(conn.write(|tx| append(tx, &author(9), &entries)).unwrap_err(), StoreError::Chain(_)));
    });
}
