//! `invoices generate` against what was billed before, and a run that makes nothing of what is due.

use crate::support::TestEnvironment;
use insta::assert_snapshot;

const SELLERS: &str = "seller_id,name,country,time_zone,tax_code\nnord,Nord,DE,Europe/Berlin,standard\n";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name\nnord,standard,2021-01-01,S,19,VAT\n";
const COMPANIES: &str =
    "company_id,name,country\nadded,A,DE\ndearer,B,DE\nended,C,DE\nmore,D,DE\nsame,E,DE\nstub,F,DE\nwork,G,DE\nnew,H,DE\n";
const CONTRACTS: &str = "company_id,contract_id,seller_id,currency,cadence,timing,start,end,bill_from
added,c,nord,EUR,monthly,advance,2026-01-01,,2026-10-01
dearer,c,nord,EUR,monthly,advance,2026-01-01,,2026-10-01
ended,c,nord,EUR,monthly,advance,2026-01-01,2026-11-01,2026-10-01
more,c,nord,EUR,monthly,advance,2026-01-01,,2026-10-01
same,c,nord,JPY,monthly,advance,2026-01-01,,2026-10-01
stub,c,nord,EUR,monthly,advance,2026-01-01,2026-11-16,2026-10-01
work,c,nord,EUR,monthly,advance,2026-01-01,,2026-10-01
";
const ITEMS: &str = "company_id,contract_id,item_id,description,quantity,unit_price
added,c,seats,Seats,10,5
dearer,c,seats,Seats,10,5
ended,c,seats,Seats,10,5
more,c,seats,Seats,10,5
same,c,seats,Seats,10,500
stub,c,seats,Seats,10,5
work,c,seats,Seats,10,5
";
const NEXT_CONTRACT: &str =
    "company_id,contract_id,seller_id,currency,cadence,timing,start\nnew,c,nord,EUR,monthly,advance,2026-11-01\n";
const NEXT_ITEMS: &str = "company_id,contract_id,item_id,valid_from,description,quantity,unit_price
added,c,backup,2026-11-01,Backup,1,25
dearer,c,seats,2026-11-01,Seats,10,6.5
more,c,seats,2026-11-01,Seats,14,5
new,c,seats,2026-11-01,Seats,1,5
";
const TICKET: &str =
    "company_id,source_key,seller_id,currency,dated,description,unit_price\nwork,t:1,nord,EUR,2026-10-20,=Repair,95\n";

/// October is billed; November is to come, with changes.
fn november() -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    let import = |environment: &TestEnvironment, files: &[(&str, &str)]| {
        let folder = environment.path("data");
        std::fs::remove_dir_all(&folder).ok();
        for (kind, text) in files {
            environment.write(&format!("data/{kind}.csv"), text);
        }
        let said = environment.finops(&["import", "data"]);
        assert_eq!(said.code, 0, "{said}");
    };
    import(
        &environment,
        &[
            ("sellers", SELLERS),
            ("tax_rates", RATES),
            ("companies", COMPANIES),
            ("contracts", CONTRACTS),
            ("contract_items", ITEMS),
        ],
    );
    let said = environment.finops(&["invoices", "generate", "--now", "2026-10-15T12:00:00Z"]);
    assert!(said.code == 0 && !said.stdout.contains("Change"), "a first month is far from nothing: {said}");
    import(&environment, &[("contracts", NEXT_CONTRACT), ("contract_items", NEXT_ITEMS), ("billable_items", TICKET)]);
    environment.set("FINOPS_TEST_SEED", "2");
    assert_eq!(environment.finops(&["invoices", "generate", "--now", "2026-10-15T12:00:00Z"]).code, 0);
    environment
}

#[test]
fn a_dry_run_is_held_against_the_month_before() {
    let environment = november();
    let run = ["invoices", "generate", "--dry-run", "--now", "2026-11-02T12:00:00Z"];
    let said = environment.finops(&run);
    let (_, table) = said.stdout.split_once("Company").unwrap();
    assert_snapshot!("preview_table", format!("Company{table}"));
    let lines = environment.finops(&[&run[..], &["--json", "--threshold", "50", "--out", "preview.csv"]].concat()).json();
    let compared: Vec<String> =
        lines.iter().filter(|line| line["type"].as_str().unwrap().starts_with("comparison")).map(ToString::to_string).collect();
    assert_snapshot!("preview_json", compared.join("\n"));
    assert_eq!(lines.last().unwrap()["type"], "summary");
    assert_snapshot!("preview_csv", std::fs::read_to_string(environment.path("preview.csv")).unwrap());
    assert_eq!(environment.finops(&["invoices", "generate", "--dry-run", "--threshold", "-1"]).code, 2);
}

#[test]
fn a_real_run_tells_what_is_far_off() {
    let mut environment = november();
    environment.set("FINOPS_TEST_CLOCK", "2026-11-02T12:00:00Z");
    environment.set("FINOPS_TEST_SEED", "7");
    let said = environment.finops(&["invoices", "generate"]);
    assert_eq!(said.code, 0, "{said}");
    for far in ["added", "dearer", "more", "stub"] {
        assert!(said.stdout.lines().any(|line| line.starts_with(far) && line.contains("changed")), "{far}: {said}");
    }
    assert!(!said.stdout.contains("same  ") && said.stdout.lines().last().unwrap().starts_with("invoices.generate: "), "{said}");
}

#[test]
fn due_and_nothing_made_is_no_success() {
    let mut environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    environment.write("data/sellers.csv", SELLERS);
    environment.write("data/companies.csv", COMPANIES);
    environment.write("data/contracts.csv", CONTRACTS);
    environment.write("data/contract_items.csv", ITEMS);
    assert_eq!(environment.finops(&["import", "data"]).code, 0);
    let said = environment.finops(&["invoices", "generate"]);
    assert!(said.code == 3 && said.stderr.contains("no tax rate"), "{said}");
    environment.set("FINOPS_TEST_SEED", "2");
    let json = environment.finops(&["invoices", "generate", "--json"]);
    assert_eq!(json.code, 0, "what waits since is told already: {json}");
}
