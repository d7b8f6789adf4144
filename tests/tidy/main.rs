//! The house rules that no compiler knows, checked on the text of `src/`: who may use whom, how long a
//! file and a function may be, what SQL may say. A rule that stands in the way is changed here, with
//! its reason, and not worked around.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod plans;
mod scan;
mod sql;

use scan::Source;
use std::collections::BTreeSet;

/// Who may use whom (design.md, "The house"). A room may use itself, `model` and `error`.
const ROOMS: &[(&str, &[&str])] = &[
    ("main", &["cli", "commands", "config", "context", "ui"]),
    ("lib", &[]),
    ("cli", &["commands", "config", "ui"]),
    (
        "commands",
        &["cli", "config", "context", "engine", "import", "jobs", "operations", "providers", "render", "rules", "store", "ui"],
    ),
    // It asks the driver whether it can read a URL, and a provider whether it can read a key, so that a
    // wrong one is told with its line.
    ("config", &["providers", "rules", "store"]),
    ("context", &["cli", "config", "store", "ui"]),
    ("ui", &[]),
    ("jobs", &["config", "context", "crash", "engine", "providers", "render", "rules", "store"]),
    // A credit note is committed there, and its PDF leaves the process.
    ("operations", &["context", "crash", "engine", "import", "jobs", "providers", "render", "rules", "store"]),
    ("engine", &["config", "context", "crash", "providers", "rules", "store", "ui"]),
    ("store", &[]),
    ("providers", &["crash"]),
    ("crash", &[]),
    ("import", &[]),
    ("rules", &[]),
    ("render", &[]),
    ("model", &[]),
    ("error", &[]),
];

const FILE_LINES: usize = 400;
const JOB_LINES: usize = 300;
const FUNCTION_LINES: usize = 60;

/// (file, lines, why).
const LONG_FILES: &[(&str, usize, &str)] = &[];

/// (file, function, lines, why).
const LONG_FUNCTIONS: &[(&str, &str, usize, &str)] = &[];

#[test]
fn each_room_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for source in scan::all() {
        let room = source.room();
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: the room {room} is not in ROOMS", source.path));
            continue;
        };
        for (line, used) in source.uses() {
            let known = ROOMS.iter().any(|(name, _)| *name == used);
            if known && used != room && !["model", "error"].contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                wrong.push(format!("{}:{line}: {room} must not use {used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_stay_short() {
    let mut wrong = Vec::new();
    for source in scan::all() {
        let lines = source.text.lines().count();
        let usual = if source.room() == "jobs" { JOB_LINES } else { FILE_LINES };
        let limit = LONG_FILES.iter().find(|f| f.0 == source.path).map_or(usual, |f| f.1);
        if lines > limit {
            wrong.push(format!("{}: {lines} lines, and {limit} are the limit", source.path));
        }
        for (line, name, length) in source.functions() {
            let listed = LONG_FUNCTIONS.iter().find(|f| f.0 == source.path && f.1 == name);
            if length > listed.map_or(FUNCTION_LINES, |f| f.2) {
                wrong.push(format!("{}:{line}: fn {name} has {length} lines, and {FUNCTION_LINES} are the limit", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn what_is_listed_as_long_is_long() {
    let sources = scan::all();
    for (path, _, reason) in LONG_FILES {
        let source = sources.iter().find(|s| s.path == *path).unwrap_or_else(|| panic!("{path} is gone: take it off the list"));
        let usual = if source.room() == "jobs" { JOB_LINES } else { FILE_LINES };
        assert!(source.text.lines().count() > usual, "{path} is short again: take it off the list");
        assert!(!reason.is_empty());
    }
    for (path, name, _, reason) in LONG_FUNCTIONS {
        let source = sources.iter().find(|s| s.path == *path).unwrap_or_else(|| panic!("{path} is gone"));
        let long = source.functions().iter().any(|f| f.1 == *name && f.2 > FUNCTION_LINES);
        assert!(long, "fn {name} in {path} is short again: take it off the list");
        assert!(!reason.is_empty());
    }
}

#[test]
fn nothing_panics_on_purpose() {
    let banned = [".unwrap()", ".expect(", "panic!(", "unreachable!(", "todo!(", "unimplemented!("];
    let mut wrong = Vec::new();
    for source in scan::all() {
        for (number, line) in source.code.lines().enumerate() {
            for call in banned.iter().filter(|call| line.contains(**call)) {
                wrong.push(format!("{}:{}: {call}", source.path, number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = |s: &&Source| !s.text.starts_with("//!");
    let silent: BTreeSet<String> = scan::all().iter().filter(silent).map(|s| s.path.clone()).collect();
    assert!(silent.is_empty(), "without a `//!` at the top: {silent:?}");
}
