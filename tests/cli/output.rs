//! What holds for every command's output.

use crate::support::TestEnvironment;
use std::fs::OpenOptions;

#[test]
fn nothing_in_a_pipe_has_colour_or_is_cut() {
    let mut environment = TestEnvironment::new();
    environment.set("TERM", "xterm-256color");
    environment.set("COLUMNS", "20");
    for args in [&["--help"][..], &["schedule", "show"], &["schedule", "nothing"], &["config", "check"]] {
        let said = environment.finops(args);
        assert!(!said.all().contains('\u{1b}'), "{args:?}: {said}");
    }
    assert!(!environment.finops(&["schedule", "show"]).stdout.contains("…\n"));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let environment = TestEnvironment::new();
    for args in [&["schedule", "show"][..], &["schedule", "show", "--json"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let said = environment.said(environment.command(args).stdout(writer).output().unwrap());
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn a_full_disk_under_stdout_is_told() {
    let environment = TestEnvironment::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = environment.said(environment.command(&["schedule", "show"]).stdout(full).output().unwrap());
    assert!(said.code == 1 && said.stderr.contains("standard output"), "{said}");
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let said = environment.said(environment.command(&["--help"]).stdout(full).output().unwrap());
    assert!(said.code == 1 && !said.stderr.contains("did is done"), "{said}");
}

#[test]
fn nothing_that_is_quoted_drives_the_terminal() {
    let environment = TestEnvironment::new();
    let name = "\u{1b}]0;owned\u{7}\u{202e}.toml";
    let said = environment.finops(&["config", "check", "--config", name]);
    assert!(said.code == 78 && said.stderr.contains("owned"), "{said}");
    environment.write(name, "");
    let written = environment.finops(&["config", "check", "--config", name]);
    for said in [said, written, environment.finops(&["config", name])] {
        assert!(!said.all().contains(['\u{1b}', '\u{7}', '\u{202e}']), "{:?}", said.all());
    }
}

#[test]
fn quiet_commands_say_nothing_when_all_went_well() {
    let environment = TestEnvironment::new();
    for args in [&["init"][..], &["init"], &["config", "check"], &["db", "migrate"], &["db", "check"], &["demo"]] {
        let said = environment.finops(&[args, &["-q"]].concat());
        assert_eq!((said.code, said.all().as_str()), (0, ""), "{args:?}");
    }
    assert!(environment.finops(&["config", "show", "-q"]).stdout.contains("finops.db"), "what was asked for is shown");
}

#[test]
fn a_cause_that_was_told_is_not_told_again() {
    let environment = TestEnvironment::new();
    environment.write("finops.toml/in", "");
    let said = environment.finops(&["config", "check", "-v"]);
    assert!(said.code == 78 && said.stderr.contains("os error") && !said.stderr.contains("caused by"), "{said}");
}
