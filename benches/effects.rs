//! What the engine costs an effect: `cargo bench --bench effects -- [N]` (100,000 effects, ten a company).
//!
//! A provider that does nothing says yes to each. The yardstick, in the same run, is a bare loop that
//! does the two updates of a row which the engine needs (begun, done), by prepared statements on the same
//! table, committed the same way: a block of 200 in one transaction each. Postgres is a server of
//! our own that flushes to the disk; its CPU counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

#[path = "../tests/support/postgres.rs"]
#[allow(dead_code)]
mod server;
mod support;

use finops::cli::Globals;
use finops::config::Environment;
use finops::context::{Context, Shell};
use finops::engine::Summary;
use finops::engine::outbox::{Calls, Deliver, Delivery, Outcome, Policy, deliver};
use finops::error::{Error, Result};
use finops::model::{EffectKind, Receipt, RunId, WorkClass};
use finops::rules::retry::Repeat;
use finops::store::effects::{self, Effect, NewEffect};
use finops::store::{Db, schema};
use finops::ui::{Ui, UiOptions};
use std::fs;
use std::io::Write;
use support::{Cost, cpu_of_ended_children, here, ratio};

const BLOCK: usize = 200;
const PER_COMPANY: usize = 10;

/// Says yes.
struct NoOp;

impl Deliver for NoOp {
    fn kind(&self) -> EffectKind {
        EffectKind::Document
    }

    fn provider(&self) -> &str {
        "no-op"
    }

    fn policy(&self) -> Policy {
        Policy { class: WorkClass::Uploads, repeat: Repeat::Harmless, block: 200, calls: Calls::Together }
    }

    fn carry_out(&self, _db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        let receipt = |e: &Effect| Receipt { provider_ref: e.key.clone(), sha256: String::new(), bytes: 0 };
        Ok(effects.iter().map(|e| Ok(receipt(e))).collect())
    }
}

fn main() {
    let count: usize = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let (ours, bare) = (folder.path().join("ours.db"), folder.path().join("bare.db"));
    let ctx = context(&format!("sqlite:{}", ours.display()));
    prepare(&ctx, count);
    fs::copy(&ours, &bare).unwrap();
    let engine = engine(&ctx, count);
    let yardstick = bare_sqlite(&rusqlite::Connection::open(&bare).unwrap(), count);
    say("SQLite", count, engine, yardstick);

    let durable = ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=4GB"];
    let Some(server) = server::start(&durable, |_| {}) else { return };
    let pid = fs::read_to_string(server.folder().join("data/postmaster.pid")).unwrap();
    let postmaster: u32 = pid.lines().next().unwrap().parse().unwrap();
    let ours = server.create(None);
    let ctx = context(&server.url(&ours));
    prepare(&ctx, count);
    server.client(&ours).batch_execute("VACUUM ANALYZE").unwrap();
    let bare = server.create(Some(&ours));
    let before = settled(postmaster);
    let cost = crate::engine(&ctx, count);
    let engine = cost.plus(Cost { cpu_ms: settled(postmaster) - before, wall_ms: 0 });
    let yardstick = bare_postgres(server.client(&bare), count, postmaster);
    say("Postgres", count, engine, yardstick);
}

fn say(name: &str, count: usize, engine: Cost, yardstick: Cost) {
    let each = |cost: Cost| cost.cpu_ms * 1000 / count as u64;
    let line = format!(
        "{name}: {count} effects, {} µs CPU each, {} ms; two bare updates {} µs, {} ms; {} of their CPU",
        each(engine),
        engine.wall_ms,
        each(yardstick),
        yardstick.wall_ms,
        ratio(engine.cpu_ms, yardstick.cpu_ms)
    );
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

fn settled(postmaster: u32) -> u64 {
    std::thread::sleep(std::time::Duration::from_millis(500));
    cpu_of_ended_children(postmaster)
}

fn context(url: &str) -> Context {
    let globals = Globals { database: Some(url.to_owned()), ..Globals::default() };
    let ui = Ui::new(UiOptions { quiet: true, ..UiOptions::default() });
    Context::new(&Shell { globals, environment: Environment::of([("HOME", "/")]), ui }).unwrap()
}

fn key(n: usize) -> (String, String) {
    (format!("c{:07}", n / PER_COMPANY), format!("document.pdf:seller:INV-2026-{n:07}"))
}

fn prepare(ctx: &Context, count: usize) {
    let mut db = ctx.open_db_for_setup().unwrap();
    schema::migrate(&mut db, ctx.clock.now()).unwrap();
    let act = |n: usize| {
        let (company_id, key) = key(n);
        NewEffect {
            company_id: company_id.parse().unwrap(),
            key,
            subject: format!("0199fd5c-0000-7000-8000-{n:012}"),
            content_sha256: "ab".repeat(32),
            payload: String::new(),
            recipient: String::new(),
            not_before: None,
        }
    };
    let all: Vec<NewEffect> = (0..count).map(act).collect();
    for batch in all.chunks(10_000) {
        db.write(|tx| effects::plan(tx, EffectKind::Document, batch, ctx.clock.now())).unwrap();
    }
}

fn engine(ctx: &Context, count: usize) -> Cost {
    let ((), cost) = here(|| {
        let mut db = ctx.open_db().unwrap();
        let mut summary = Summary::new("bench", ctx.as_of, false);
        let stop = || Ok::<(), Error>(());
        let run_id = RunId::from(ctx.ids.uuid());
        deliver(&NoOp, &mut Delivery { ctx, db: &mut db, summary: &mut summary, run_id, stop: &stop }).unwrap();
        assert_eq!(summary.delivered, count as u64);
    });
    cost
}

const BEGUN: &str = "UPDATE effects SET state = 'sending', attempts = 1, sending_at = $3, owner = $4 WHERE company_id = $1 AND idempotency_key = $2";
const DONE: &str =
    "UPDATE effects SET state = 'succeeded', provider_ref = $3, settled_at = $4 WHERE company_id = $1 AND idempotency_key = $2";
const AT: &str = "2026-10-31T23:59:59.123Z";
const OWNER: &str = "0199fd5c-0000-7000-8000-000000000001";

fn bare_sqlite(db: &rusqlite::Connection, count: usize) -> Cost {
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768").unwrap();
    let keys: Vec<_> = (0..count).map(key).collect();
    let ((), cost) = here(|| {
        for block in keys.chunks(BLOCK) {
            for (sql, by_key) in [(BEGUN, false), (DONE, true)] {
                let mut statement = db.prepare_cached(&sql.replace('$', "?")).unwrap();
                db.execute_batch("BEGIN IMMEDIATE").unwrap();
                for (company, key) in block {
                    let (third, fourth) = if by_key { (key.as_str(), AT) } else { (AT, OWNER) };
                    assert_eq!(statement.execute([company.as_str(), key, third, fourth]).unwrap(), 1);
                }
                db.execute_batch("COMMIT").unwrap();
            }
        }
    });
    cost
}

/// A block is one statement there, with its columns as arrays: a round trip a row would be no yardstick.
fn bare_postgres(mut db: postgres::Client, count: usize, postmaster: u32) -> Cost {
    let keys: Vec<_> = (0..count).map(key).collect();
    let from = " FROM unnest($1::text[], $2::text[]) AS v(company, key) WHERE company_id = v.company AND idempotency_key = v.key";
    let begun = format!("UPDATE effects SET state = 'sending', attempts = 1, sending_at = '{AT}', owner = '{OWNER}'{from}");
    let done = format!("UPDATE effects SET state = 'succeeded', provider_ref = v.key, settled_at = '{AT}'{from}");
    let statements = [db.prepare(&begun).unwrap(), db.prepare(&done).unwrap()];
    let before = cpu_of_ended_children(postmaster);
    let ((), cost) = here(|| {
        for block in keys.chunks(BLOCK) {
            let (companies, names): (Vec<&str>, Vec<&str>) = block.iter().map(|(c, k)| (c.as_str(), k.as_str())).unzip();
            for statement in &statements {
                let mut tx = db.transaction().unwrap();
                assert_eq!(tx.execute(statement, &[&companies, &names]).unwrap(), block.len() as u64);
                tx.commit().unwrap();
            }
        }
    });
    drop(db);
    cost.plus(Cost { cpu_ms: settled(postmaster) - before, wall_ms: 0 })
}
