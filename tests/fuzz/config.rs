//! `finops.toml`: never a panic, every mistake in a line of the file, and no secret is ever shown.

use crate::mutate::{changes, mutated};
use crate::one_in;
use finops::config::{Config, Environment, Overrides, TEMPLATE};
use finops::error::Error;
use proptest::prelude::*;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

/// A file as its owner keeps it.
fn load(text: &[u8]) -> Result<Config, Error> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("finops.toml");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    Config::load(&Overrides { file: Some(file), database: None }, &Environment::of([("FINOPS_NOTIFY_URL", "https://canary-env")]))
}

/// All that a person could be shown.
fn shown(loaded: &Result<Config, Error>) -> String {
    match loaded {
        Ok(config) => format!(
            "{config:?} {}",
            config.settings.iter().map(|s| format!("{} {} {}\n", s.key, s.value, s.origin)).collect::<String>()
        ),
        Err(error) => format!(
            "{error} {:?} {:?} {}",
            error,
            error.hint,
            error.problems.iter().map(|p| format!("{p}\n")).collect::<String>()
        ),
    }
}

fn checks(text: &[u8]) -> Result<Config, Error> {
    let loaded = load(text);
    if let Err(error) = &loaded {
        // A file that is no UTF-8 is told up to there.
        let text = String::from_utf8_lossy(text);
        let lines: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
        for problem in &error.problems {
            let length = usize::try_from(problem.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
            let length = *length.unwrap_or_else(|| panic!("there is no such line: {problem}"));
            assert!((1..=length + 1).contains(&usize::try_from(problem.column).unwrap()), "line of {length}: {problem}");
        }
        assert!(!error.problems.is_empty() && error.hint.is_some(), "{error}");
    }
    loaded
}

/// What commands would print is no business of this test, and arbitrary ones must not be run.
fn runs_nothing(text: &[u8]) -> bool {
    !String::from_utf8_lossy(text).contains("command")
}

/// The lines of the template, those that show what could be written too.
fn lines() -> Vec<String> {
    let shown = |line: &str| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line).to_owned();
    TEMPLATE.lines().map(shown).filter(|line| runs_nothing(line.as_bytes())).collect()
}

fn sample() -> impl Strategy<Value = String> {
    let lines = lines();
    prop::collection::vec(prop::sample::select(&[0, 1, 2][..]), lines.len()).prop_map(move |keep| {
        let kept = lines.iter().zip(keep).filter(|(line, keep)| *keep > 0 || line.starts_with('['));
        kept.map(|(line, _)| format!("{line}\n")).collect()
    })
}

const CANARY: &str = "canaryF00bar";

/// Where secrets stand, with one in it.
const SECRETS: [&str; 7] = [
    "[database]\nurl = \"postgres://joe:canaryF00bar@db/finops\"",
    "[database]\nurl = \"postgres://joe:can?canaryF00bar@db/finops\"",
    "[database]\nurl = 'canaryF00bar'",
    "[documents.s3]\naccess_key_id = \"canaryF00bar\"",
    "[documents.s3]\nsecret_access_key = \"canaryF00bar\"\nbucket = \"b\"",
    "[notify_on_completion]\nurl = \"https://hooks.example.com/canaryF00bar\"",
    "[notify_on_completion]\nsecret = \"canaryF00bar\"\nwhen = \"always\"",
];

proptest! {
    #![proptest_config(one_in(2))]

    #[test]
    fn any_text_is_read_or_refused_at_a_place(text in "\\PC{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assume!(runs_nothing(text.as_bytes()) && runs_nothing(&bytes));
        let _ = checks(text.as_bytes());
        let _ = checks(&bytes);
    }

    #[test]
    fn a_broken_file_is_read_or_refused_at_a_place(sample in sample(), changes in changes()) {
        let broken = mutated(sample.as_bytes(), &changes);
        prop_assume!(runs_nothing(&broken));
        let _ = checks(&broken);
    }

    #[test]
    fn no_secret_is_shown(secret in prop::sample::select(&SECRETS[..]), rest in sample(), changes in changes(), before: bool) {
        // The rest may be broken in any way, but does not tear the secret out of its line.
        let broken = mutated(rest.as_bytes(), &changes);
        let broken = String::from_utf8_lossy(&broken);
        prop_assume!(runs_nothing(broken.as_bytes()));
        let text = if before { format!("{secret}\n{broken}") } else { format!("{broken}\n{secret}\n") };
        let shown = shown(&checks(text.as_bytes()));
        prop_assert!(!shown.contains(CANARY), "{}", shown);
    }
}
