//! The audit chain, verified by other code than wrote it.

use crate::fixtures::*;
use crate::support::{audit::verify, each_engine, now};
use chrono::TimeDelta;
use finops::store::audit::{Author, Entry, append};

fn entry(company: &str, id: &str) -> Entry {
    Entry { company_id: company.into(), action: "a.b", entity: "thing", entity_id: id.into(), payload: format!("{{\"{id}\":1}}") }
}

fn author(minutes: i64) -> Author {
    Author { actor: AWKWARD.into(), run_id: None, at: now() + TimeDelta::minutes(minutes) }
}

#[test]
fn each_company_has_a_chain_and_its_head_follows() {
    each_engine(|db| {
        let mut conn = db.open();
        write(&mut conn, |tx| append(tx, &author(0), &[entry("b", "1"), entry("Ä", AWKWARD), entry("b", "2")]));
        let hashes = write(&mut conn, |tx| append(tx, &author(1), &[entry("b", "3"), entry("a", ""), entry("_system", "1")]));
        assert!(write(&mut conn, |tx| append(tx, &author(2), &[])).is_empty());
        let heads: Vec<(String, u64)> = verify(db).into_iter().collect();
        assert_eq!(heads, [("_system".into(), 1), ("a".into(), 1), ("b".into(), 3), ("Ä".into(), 1)]);
        let head = db.value("SELECT hash FROM audit_heads WHERE company_id = 'b'");
        assert_eq!(head, format!("\\x{}", hashes[0].iter().map(|b| format!("{b:02x}")).collect::<String>()));
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
