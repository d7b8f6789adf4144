//! Processes that die or are paused between their call and its record. The process under test is
//! this program once more, started with the name of an ignored test.

use crate::gateway::{Desk, charge};
use crate::support::fake::Step;
use crate::support::{TestDb, now};
use chrono::{DateTime, TimeDelta, Utc};
use finops::model::EffectState::{NeedsHuman, Sending, Succeeded};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DATABASE: &str = "FINOPS_TEST_CHARGE";
const GATEWAY: &str = "FINOPS_TEST_GATEWAY";

#[test]
#[ignore = "the process under test, which tests start"]
fn charges_as_another_process() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its own child what it is")]
    let set = |name: &str| std::env::var(name).ok();
    let (Some(database), Some(gateway)) = (set(DATABASE), set(GATEWAY)) else { return };
    let at: DateTime<Utc> = now();
    charge(&database, &gateway, at).1.unwrap();
}

fn command(desk: &Desk) -> Command {
    let test = concat!(module_path!(), "::charges_as_another_process").split_once("::").unwrap().1;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    command.env(DATABASE, desk.db.url()).env(GATEWAY, desk.gateway.url());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts it, to be killed or paused at a place, by the first of that name on its way.
fn child(desk: &Desk, variable: &str, place: &str) -> Child {
    let db = if desk.db.is_sqlite() { TestDb::sqlite() } else { TestDb::postgres().unwrap() };
    let log = tempfile::NamedTempFile::new().unwrap();
    assert!(command(&Desk::new(&db, 1)).env("FINOPS_CRASH_LOG", log.path()).status().unwrap().success());
    let places = std::fs::read_to_string(log.path()).unwrap();
    let before = places.lines().position(|name| name == place).unwrap_or_else(|| panic!("{place}: {places}"));
    command(desk).env(variable, (before + 1).to_string()).spawn().unwrap()
}

#[test]
fn what_a_killed_process_was_sending_is_looked_up_first() {
    for (place, made) in [("effects.begun", 0), ("effects.carried_out", 1)] {
        for db in [Some(TestDb::sqlite()), TestDb::postgres()].into_iter().flatten() {
            let mut desk = Desk::new(&db, 2);
            let killed = child(&desk, "FINOPS_CRASH_AT", place).wait().unwrap();
            assert_eq!(killed.signal(), Some(9), "{place}");
            assert_eq!((desk.stands(), desk.charges()), ((Sending, 1), (made, made)), "{place}");
            desk.done(TimeDelta::zero());
            assert_eq!(desk.stands(), (Succeeded, 2 - u32::try_from(made).unwrap()), "{place}");
            assert_eq!(desk.charges(), (2, 2), "{place}: one each");
            let methods: Vec<String> = desk.gateway.calls().into_iter().skip(made).map(|call| call.method).collect();
            assert_eq!(methods[0], "GET", "{place}: nothing new before the look-up");
        }
    }
}

/// A machine that was asleep: another one took its act over, and then it wakes up and has an answer.
#[test]
fn a_late_answer_is_kept_and_nothing_is_charged_twice() {
    let Some(db) = TestDb::postgres() else { return };
    for place in ["effects.begun", "effects.carried_out"] {
        for forgotten in [false, true] {
            let what = format!("paused at {place}, and the gateway has forgotten: {forgotten}");
            let db = db.copy();
            let mut desk = Desk::new(&db, 1);
            let paused = child(&desk, "FINOPS_STOP_AT", place);
            until_paused(&paused);
            desk.db.execute("UPDATE runs SET host = 'elsewhere', process = 'elsewhere'").unwrap();
            if forgotten {
                desk.gateway.script_look_ups(&[Step::status(410)]);
            }
            desk.done(TimeDelta::hours(1));
            assert_eq!(desk.stands().0, if forgotten { NeedsHuman } else { Succeeded }, "{what}");
            let signalled = Command::new("/bin/sh").args(["-c", &format!("kill -CONT {}", paused.id())]).status();
            assert!(signalled.unwrap().success());
            let ended = paused.wait_with_output().unwrap();
            assert!(ended.status.success(), "{what}");
            assert_eq!(desk.stands().0, Succeeded, "{what}: it was done, whatever else is thought of it");
            assert_eq!(desk.gateway.acts().values().sum::<usize>(), 1, "{what}");
        }
    }
}

fn until_paused(child: &Child) {
    for _ in 0..600 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
        if stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the process was not paused");
}
