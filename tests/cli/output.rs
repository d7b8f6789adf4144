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
}
