use crate::support::TestEnvironment;

/// The commands that a demo says to try, without the program's name.
fn next(said: &str) -> Vec<&str> {
    let program = env!("CARGO_BIN_EXE_finops");
    said.lines().filter_map(|line| line.trim().strip_prefix(program)).map(str::trim).collect()
}

#[test]
fn the_demo_bills_a_month_and_what_it_says_to_try_works() {
    let mut environment = TestEnvironment::new();
    let first = environment.finops(&["demo"]);
    assert_eq!((first.code, first.stderr.as_str()), (0, ""));
    for expected in
        ["34 issued", "3672.05", "The PDFs are in finops-demo/documents", "export FINOPS_CONFIG=finops-demo/finops.toml"]
    {
        assert!(first.stdout.contains(expected), "{expected}: {first}");
    }
    let pdf = first.stdout.split_whitespace().find(|word| word.ends_with(".pdf")).expect("a PDF is named");
    assert!(std::fs::read(environment.path(pdf)).unwrap().starts_with(b"%PDF"), "{pdf}");
    let commands = next(&first.stdout);
    assert!((3..=5).contains(&commands.len()), "{first}");
    environment.set("FINOPS_CONFIG", "finops-demo/finops.toml");
    for command in &commands {
        let said = environment.finops(&command.split(' ').collect::<Vec<_>>());
        assert!(said.code == 0 && !said.stdout.is_empty(), "{command}: {said}");
    }
    assert_eq!(
        environment.finops(&["invoices", "list", "--state", "paid", "--json"]).json().len(),
        1,
        "the payment was all of it"
    );
}

#[test]
fn a_second_demo_changes_nothing() {
    let environment = TestEnvironment::new();
    environment.finops(&["demo", "here"]);
    let database = std::fs::read(environment.path("here/finops.db")).unwrap();
    let again = environment.finops(&["demo", "here"]);
    assert!(again.code == 0 && again.stdout.starts_with("here is there already"), "{again}");
    assert_eq!(std::fs::read(environment.path("here/finops.db")).unwrap(), database);
}

#[test]
fn a_demo_that_was_broken_off_is_gone_on_with() {
    let environment = TestEnvironment::new();
    environment.finops(&["demo"]);
    let folder = environment.path("finops-demo");
    std::fs::rename(folder.join("finops.toml"), folder.join("finops.toml.part")).unwrap();
    let said = environment.finops(&["demo", "--json"]);
    let items = said.json();
    assert_eq!((said.code, items.last().unwrap()["created"].clone()), (0, true.into()), "{said}");
    assert!(items.iter().filter(|item| item["type"] == "summary").all(|item| item["done"].as_u64().unwrap_or(0) == 0), "{said}");
}

#[test]
fn the_demo_touches_nothing_of_somebody_else() {
    let environment = TestEnvironment::new();
    environment.write("full/letter.txt", "dear");
    let said = environment.finops(&["demo", "full"]);
    assert!(said.code == 1 && said.stderr.contains("full is not empty"), "{said}");
    for flag in [["--config", "mine.toml"], ["--database", "sqlite:mine.db"], ["--now", "2026-10-01T00:00:00Z"]] {
        let said = environment.finops(&[&["demo", "elsewhere"][..], &flag].concat());
        assert_eq!(said.code, 2, "{flag:?}: {said}");
    }
    assert!(!environment.path("elsewhere").exists());
}
