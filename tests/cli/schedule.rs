use crate::support::TestEnvironment;

#[test]
fn show_needs_no_configuration_and_marks_what_is_planned() {
    let environment = TestEnvironment::new();
    let said = environment.finops(&["schedule", "show"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let line = |command: &str| said.stdout.lines().find(|line| line.contains(command)).unwrap_or_default();
    assert!(line("finops invoices generate").contains("exists"), "{said}");
    assert!(line("finops invoices clean-drafts").contains("planned"), "{said}");

    let items = environment.finops(&["schedule", "show", "--json"]).json();
    assert_eq!(items.len() + 1, said.stdout.lines().count(), "one item for each row under the heading");
    assert!(items.iter().all(|item| item["type"] == "item" && item["cron"].is_string()), "{items:?}");
}
