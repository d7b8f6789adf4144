//! What the README and the crontab say is what the program does.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use clap::Parser;
use finops::cli::Cli;
use finops::config::TEMPLATE;
use finops::error::ExitCode;
use finops::jobs::JobKind;
use std::collections::BTreeSet;

const README: &str = include_str!("../README.md");
const CRONTAB: &str = include_str!("../crontab.example");
const SCHEMA: &str = include_str!("../schema.sql");

/// The text under a heading, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, text) = README.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("README.md lacks ## {heading}"));
    text.split("\n## ").next().unwrap_or_default()
}

/// The cells of the tables of a text, without their headings.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let tables = text.lines().filter(|line| line.starts_with('|'));
    let mut rows: Vec<Vec<String>> = tables.map(cells).collect();
    let ruler = rows.iter().position(|row| row.iter().all(|cell| cell.starts_with("---"))).expect("a table");
    rows.drain(..=ruler);
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The lines of the code blocks.
fn code() -> Vec<&'static str> {
    README.split("```").skip(1).step_by(2).flat_map(str::lines).collect()
}

/// Reads a command line as the program does; what the shell does with it is left out.
#[track_caller]
fn parses(line: &str) {
    let command = line.split(" #").next().unwrap_or_default();
    let command = command.split(['>', '|']).next().unwrap_or_default();
    if let Err(error) = Cli::try_parse_from(command.split_whitespace()) {
        panic!("{line}: {error}");
    }
}

#[test]
fn the_job_table_is_the_registry() {
    let expected: Vec<Vec<String>> = JobKind::ALL
        .iter()
        .map(|job| vec![format!("`{}`", job.command()), format!("`{}`", job.cron()), job.what().into()])
        .collect();
    assert_eq!(rows(section("What cron runs")), expected);
}

#[test]
fn the_exit_codes_are_all_there() {
    use ExitCode::{Config, Done, Failed, Interrupted, Partly, Terminated, TryLater, Usage};
    let expected =
        [Done, Failed, Usage, Partly, TryLater, Config, Interrupted, Terminated].map(|code| format!("`{}`", code as u8));
    let told: Vec<String> = rows(section("Exit codes")).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told, expected);
}

#[test]
fn every_key_of_the_configuration_is_told() {
    let mut section_name = String::new();
    let mut expected = BTreeSet::new();
    for line in TEMPLATE.lines() {
        if let Some(name) = line.trim_start_matches('#').strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            // Sections that the user names, and those that there are several of.
            let name = name.trim_matches(['[', ']']);
            let chosen = ["people", "ping.jobs", "webhooks"].iter().find(|outer| name.starts_with(&format!("{outer}.")));
            section_name = chosen.map_or_else(|| name.to_owned(), |outer| format!("{outer}.NAME"));
        } else if let Some((key, _)) = line.trim_start_matches('#').split_once(" = ")
            && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        {
            expected.insert(format!("`{section_name}.{key}`"));
        }
    }
    assert!(expected.len() > 5, "{expected:?}");
    let told: BTreeSet<String> = rows(section("Configuration")).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(told, expected);
}

#[test]
fn every_table_of_the_schema_is_told() {
    let created = SCHEMA.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split_whitespace().next());
    let expected: BTreeSet<&str> = created.collect();
    let rows = rows(section("Data model"));
    let told: Vec<&str> = rows.iter().flat_map(|row| quoted(&row[1])).filter(|name| *name != "valid_from").collect();
    assert_eq!(told.len(), expected.len(), "each once: {told:?}");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn every_command_in_the_readme_is_one() {
    let in_blocks =
        code().into_iter().flat_map(|line| line.split("&&").map(str::trim)).filter(|line| line.starts_with("finops "));
    let in_blocks: Vec<&str> = in_blocks.collect();
    assert!(in_blocks.len() > 10, "{in_blocks:?}");
    in_blocks.into_iter().for_each(parses);
    let blocks_left_out: Vec<&str> = README.split("```").step_by(2).collect();
    for command in quoted(&blocks_left_out.join(" ")).into_iter().filter(|text| text.starts_with("finops ")) {
        // A noun with its verb; what it works on may be left to the sentence.
        let words = command.split_whitespace().take_while(|word| !word.starts_with('-'));
        let mut known = <Cli as clap::CommandFactory>::command();
        known.build();
        let mut at = &known;
        for word in words.skip(1) {
            at = at.find_subcommand(word).unwrap_or_else(|| panic!("`{command}`: there is no {word}"));
        }
    }
}

#[test]
fn every_active_line_of_the_crontab_is_a_command_that_takes_dry_run() {
    let active = CRONTAB.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit() || c == '*'));
    let commands: Vec<&str> =
        active.map(|line| line.split_once("finops").map(|(when, _)| &line[when.len()..]).expect(line)).collect();
    assert!(commands.len() > JobKind::ALL.len() - 1);
    for command in commands {
        parses(command);
        parses(&format!("{command} --dry-run"));
    }
}

#[test]
fn links_to_files_lead_somewhere() {
    let targets = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = targets.filter(|target| !target.contains("://")).collect();
    assert!(files.len() > 3, "{files:?}");
    for file in files {
        assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "{file}");
    }
}
