use crate::support::TestEnvironment;
use clap::CommandFactory;
use insta::assert_snapshot;

#[test]
fn the_main_help_lists_the_exit_codes() {
    let said = TestEnvironment::new().finops(&["--help"]);
    for code in ["0 ", "1 ", "2 ", "3 ", "75 ", "78 ", "130 ", "143 "] {
        assert!(said.stdout.lines().any(|line| line.trim_start().starts_with(code)), "{code}: {}", said.stdout);
    }
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}

#[test]
fn every_help_ends_with_an_example() {
    let mut paths = Vec::new();
    walk(&finops::cli::Cli::command(), &mut Vec::new(), &mut paths);
    assert!(paths.len() > 5, "{paths:?}");
    let environment = TestEnvironment::new();
    for path in paths {
        for flag in ["-h", "--help"] {
            let args: Vec<&str> = path.iter().map(String::as_str).chain([flag]).collect();
            let said = environment.finops(&args);
            assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{args:?}");
            let (_, example) =
                said.stdout.rsplit_once("\n\nExample:\n").unwrap_or_else(|| panic!("{args:?} ends without an example"));
            assert!(example.lines().all(|line| line.starts_with("  ")) && example.contains("finops"), "{args:?}: {example}");
        }
    }
}

fn walk(command: &clap::Command, path: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    paths.push(path.clone());
    for sub in command.get_subcommands() {
        path.push(sub.get_name().to_owned());
        walk(sub, path, paths);
        path.pop();
    }
}

#[test]
fn wrong_usage_is_exit_2_and_says_what_is_known() {
    let environment = TestEnvironment::new();
    assert_snapshot!("usage_unknown_flag", environment.finops(&["schedule", "show", "--colour"]));
    assert_snapshot!("usage_bare_date", environment.finops(&["schedule", "show", "--now", "2026-10-31"]));
    assert_snapshot!("usage_json", environment.finops(&["--json", "schedul", "show"]));
}

#[test]
fn finops_alone_shows_its_help_with_exit_2() {
    let environment = TestEnvironment::new();
    let said = environment.finops(&[]);
    assert!(said.code == 2 && said.stdout.contains("Usage: finops"), "{said}");
    assert_eq!(environment.finops(&["--json"]).json()[0]["kind"], "usage");
}
