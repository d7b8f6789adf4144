//! `finops export`: files that `finops import` reads.

use crate::support::TestEnvironment;
use insta::assert_snapshot;

#[test]
fn a_folder_moves_the_books_and_a_kind_goes_to_stdout() {
    let environment = crate::terminal::imported();
    environment.write(
        "pauses.csv",
        "company_id,contract_id,from,until\nelbe,telephony,2027-08-20,\nelbe,backup,2027-01-01,2027-02-01\n",
    );
    assert_eq!(environment.finops(&["import", "contract_pauses", "pauses.csv"]).code, 0);
    assert_snapshot!("export_rates", environment.finops(&["export", "tax_rates"]));
    assert_snapshot!("export_folder", environment.finops(&["export", "moved/", "--json"]));
    let mut elsewhere = TestEnvironment::new();
    elsewhere.set("FINOPS_TEST_SEED", "2");
    assert_eq!(elsewhere.finops(&["init"]).code, 0);
    let folder = environment.path("moved");
    let said = elsewhere.finops(&["import", folder.to_str().unwrap(), "--json"]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(elsewhere.finops(&["export", "moved/", "--format", "jsonl"]).code, 0);
    let again = environment.finops(&["import", elsewhere.path("moved").to_str().unwrap(), "--json"]).json();
    let summary = again.last().unwrap();
    assert_eq!((&summary["added"], &summary["changed"]), (&0.into(), &0.into()), "back again, it changes nothing: {summary}");

    let items = environment.finops(&["export", "companies", "--json"]).json();
    assert!(items.len() > 5 && items.iter().all(|item| item["type"] == "item" && item["company_id"].is_string()));
    assert_eq!(environment.finops(&["export", "companies", "--out", "c.jsonl"]).code, 0);
    let lines = std::fs::read_to_string(environment.path("c.jsonl")).unwrap();
    assert!(lines.lines().count() == items.len() && lines.starts_with("{\"company_id\":"), "{lines}");
}

/// What a change has left to bill is money, and goes along as an item of its own.
#[test]
fn what_a_change_has_left_to_bill_is_moved() {
    let mut environment = crate::terminal::imported();
    for (seed, verb) in [("1", "generate"), ("2", "issue")] {
        environment.set("FINOPS_TEST_SEED", seed);
        assert_eq!(environment.finops(&["invoices", verb]).code, 0);
    }
    let pause = ["contracts", "pause", "telephony", "--company-id", "elbe", "--on", "2026-10-18", "--json"];
    let paused = environment.finops(&pause).json();
    assert_eq!(environment.finops(&["export", "moved/"]).code, 0);
    let items = std::fs::read_to_string(environment.path("moved/billable_items.csv")).unwrap();
    let moved = items.lines().find(|line| line.contains("moved:change:telephony:")).unwrap();
    let price = format!(",1,,{},", paused[0]["total"].as_str().unwrap());
    assert!(moved.contains(&price), "{moved} {price}");
    assert!(
        std::fs::read_to_string(environment.path("moved/contract_pauses.csv")).unwrap().contains("elbe,telephony,2026-10-18,")
    );
    let again = environment.finops(&["import", "moved", "--json"]).json();
    let summary = again.last().unwrap();
    assert_eq!((&summary["added"], &summary["changed"]), (&0.into(), &0.into()), "where it is billed already: {summary}");
    let mut elsewhere = TestEnvironment::new();
    elsewhere.set("FINOPS_TEST_SEED", "3");
    assert_eq!(elsewhere.finops(&["init"]).code, 0);
    let said = elsewhere.finops(&["import", environment.path("moved").to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said}");
    // What is billed already is paused by the command.
    environment.write("pauses.csv", "company_id,contract_id,from,until\nelbe,backup,2026-10-05,2026-10-10\n");
    let said = environment.finops(&["import", "contract_pauses", "pauses.csv"]);
    assert!(said.code == 1 && said.stderr.contains("finops contracts pause backup --on 2026-10-05"), "{said}");
}

#[test]
fn what_is_billed_is_not_moved_and_said_so() {
    let mut environment = crate::terminal::imported();
    for (seed, verb) in [("1", "generate"), ("2", "issue")] {
        environment.set("FINOPS_TEST_SEED", seed);
        assert_eq!(environment.finops(&["invoices", verb]).code, 0);
    }
    let said = environment.finops(&["export", "moved/"]);
    assert!(said.code == 0 && said.stderr.contains("18 issued invoices") && said.stderr.contains("db copy"), "{said}");
    // The examples' items are billed; alone, they are for correcting them here, and it is said that they are billed.
    let rows = |path: &str| std::fs::read_to_string(environment.path(path)).unwrap().lines().count() - 1;
    let alone = environment.finops(&["export", "billable_items", "--out", "items.csv"]);
    let billed = rows("items.csv") - rows("moved/billable_items.csv");
    assert!(billed > 0 && said.stderr.contains(&format!("the {billed} items on them")), "{said}");
    assert!(alone.code == 0 && alone.stderr.contains(&format!("are on issued invoices would be billed again by another database: finops export FOLDER/ leaves them out (there are {billed})")), "{alone}");
    assert!(environment.finops(&["export", "billable_items"]).stderr.contains("issued invoices"));
    assert_eq!(environment.finops(&["export", "moved/"]).code, 0, "again, in its place");
    let said = environment.finops(&["export", "moved/", "--format", "jsonl"]);
    assert!(said.code == 1 && said.stderr.contains("twice"), "{said}");
    let said = environment.finops(&["export", "companys"]);
    assert!(said.code == 2 && said.stderr.contains("did you mean companies?"), "{said}");
}

/// Coming from another system whose numbers go on here, in the order that the README tells.
#[test]
fn numbers_go_on_where_the_system_before_stopped() {
    let mut environment = TestEnvironment::new();
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    environment.set("FINOPS_TEST_SEED", "1");
    assert_eq!(environment.finops(&["init"]).code, 0);
    let opening = "company_id,number,seller_id,currency,amount,issued_on,due_on\n\
                   elbe,INV-2026-000415,nordlicht,EUR,119.00,2026-10-20,2026-11-05\n";
    for entry in std::fs::read_dir(&examples).unwrap() {
        let path = entry.unwrap().path();
        environment.write(&format!("data/{}", path.file_name().unwrap().to_str().unwrap()), std::fs::read(&path).unwrap());
    }
    environment.write("data/opening_invoices.csv", opening);
    let said = environment.finops(&["import", "data"]);
    let way = "finops db reconcile --given nordlicht=INV-2026-000415 --accept";
    assert!(said.code == 1 && said.stderr.contains("opening_invoices.csv:2:") && said.stderr.contains(way), "{said}");
    for args in [
        &["import", "sellers", "data/sellers.csv"][..],
        &["db", "reconcile", "--given", "nordlicht=INV-2026-000417", "--accept"],
        &["import", "data"],
        &["invoices", "generate"],
    ] {
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
    environment.set("FINOPS_TEST_SEED", "2");
    let said = environment.finops(&["invoices", "issue", "--json"]);
    assert!(said.code == 0 && said.stdout.contains("\"INV-2026-000418\"") && !said.stdout.contains("000417"), "{said}");
    assert_eq!(environment.finops(&["db", "check"]).code, 0);
}

#[test]
fn what_was_written_off_is_moved_as_open_and_said_so() {
    let environment = crate::terminal::imported();
    environment.write(
        "opening_invoices.csv",
        "company_id,number,seller_id,currency,amount,issued_on,due_on\n\
         elbe,OLD-7,nordlicht,EUR,119.00,2026-10-20,2026-10-25\n",
    );
    for args in [
        &["import", "opening_invoices", "opening_invoices.csv"][..],
        &["payments", "record", "OLD-7", "--amount", "19.00", "--date", "2026-10-26", "--ref", "TX1"],
        &["invoices", "uncollectible", "OLD-7", "--reason", "insolvent"],
    ] {
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
    for args in [&["export", "moved/"][..], &["export", "opening_invoices"]] {
        let said = environment.finops(args);
        assert!(
            said.code == 0 && said.stderr.contains("are written off here") && said.stderr.contains("(there are 1)"),
            "{said}"
        );
    }
    let mut elsewhere = TestEnvironment::new();
    elsewhere.set("FINOPS_TEST_SEED", "2");
    assert_eq!(elsewhere.finops(&["init"]).code, 0);
    let said = elsewhere.finops(&["import", environment.path("moved").to_str().unwrap()]);
    assert_eq!(said.code, 0, "{said}");
    let said = elsewhere.finops(&["invoices", "uncollectible", "OLD-7", "--reason", "insolvent"]);
    assert!(said.code == 0 && said.stdout.contains("100.00"), "{said}");
}
