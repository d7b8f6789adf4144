use crate::support::{Said, TestEnvironment};
use insta::assert_snapshot;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const COMPANIES: &str = "company_id,name,address_line1,postal_code,city,country\nacme,Müller KG,Weg 2,10115,Berlin,DE\n";

fn books() -> TestEnvironment {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    environment
}

fn with_examples() -> TestEnvironment {
    let environment = books();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    for entry in std::fs::read_dir(examples).expect("the examples") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        environment.write(&format!("data/{name}"), std::fs::read(&path).expect("a file"));
    }
    environment
}

#[track_caller]
fn told(said: &Said, code: i32, text: &str) {
    assert!(said.code == code && said.stderr.contains(text), "{said}");
}

#[test]
fn a_folder_is_imported_and_then_silent() {
    let environment = with_examples();
    assert_snapshot!("import_dry_run", environment.finops(&["import", "data", "--dry-run"]));
    assert_snapshot!("import_first", environment.finops(&["import", "data"]));
    assert_eq!(environment.finops(&["import", "data"]).all(), "");
    assert_snapshot!("import_again_json", environment.finops(&["import", "data", "--json"]));
    assert_snapshot!("db_check_json", environment.finops(&["db", "check", "--json"]));
}

#[test]
fn mistakes_of_all_files_are_told_and_nothing_is_imported() {
    let environment = with_examples();
    let companies = std::fs::read_to_string(environment.path("data/companies.csv")).expect("the example");
    environment.write("data/companies.csv", companies.replace("Bielefeld,,DE", "Bielefeld,,Germany"));
    environment
        .write("data/tax_rates.csv", "seller_id,tax_code,valid_from,category,rate,name\nnobody,standard,2021-01-01,S,19,VAT\n");
    assert_snapshot!("import_mistakes", environment.finops(&["import", "data"]));
    assert_snapshot!("import_mistakes_json", environment.finops(&["import", "data", "--json"]));
    let status = environment.finops(&["db", "status", "--json"]).json();
    let empty = |(table, rows): (&String, &serde_json::Value)| rows == i32::from(table == "audit_log");
    assert!(status[0]["rows"].as_object().expect("rows").iter().all(empty), "only that it was set up: {status:?}");
}

#[test]
fn byte_order_marks_encodings_and_stdin() {
    let environment = books();
    environment.write("bom.csv", format!("\u{feff}{COMPANIES}"));
    assert_eq!(environment.finops(&["import", "companies", "bom.csv"]).code, 0);
    let latin: Vec<u8> = COMPANIES.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    environment.write("latin.csv", latin);
    told(&environment.finops(&["import", "companies", "latin.csv"]), 1, "--encoding windows-1252");
    let same = environment.finops(&["import", "companies", "latin.csv", "--encoding", "windows-1252", "--json"]).json();
    assert_eq!(same[0]["unchanged"], 1, "{same:?}");
    told(&environment.finops(&["import", "companies", "bom.csv", "--encoding", "klingon"]), 2, "klingon");

    let mut child = environment.command(&["import", "companies", "-", "--json"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("stdin").write_all(COMPANIES.replace("acme", "beta").as_bytes()).expect("it is written");
    let said = environment.said(child.wait_with_output().expect("it ends"));
    assert_eq!(said.json()[0]["added"], 1, "{said}");
}

#[test]
fn a_file_that_nobody_would_read_is_a_mistake() {
    let environment = books();
    environment.write("data/companies.csv", COMPANIES);
    environment.write("data/contract-item.csv", "");
    told(&environment.finops(&["import", "data"]), 2, "did you mean contract_items.csv");
    environment.write("data/zebra.csv", "");
    told(&environment.finops(&["import", "data"]), 2, "contract-item.csv (did you mean contract_items.csv?), zebra.csv");
    environment.write("none/notes.txt", "");
    told(&environment.finops(&["import", "none"]), 2, "holds none of the files");
    told(&environment.finops(&["import", "companies"]), 2, "finops import companies FILE");
    told(&environment.finops(&["import", "nowhere"]), 1, "there is no folder nowhere");
    told(&environment.finops(&["import", "data/companies.csv"]), 2, "finops import companies data/companies.csv");
    told(&environment.finops(&["import", "customers", "data/companies.csv"]), 2, "companies, contacts");
    told(&environment.finops(&["import", "companies", "missing.csv"]), 1, "hint: check the path");
    told(&environment.finops(&["import", "companies", "data"]), 2, "give its file, data/companies.csv, or import all of it");
    told(&environment.finops(&["import", "data", "--allow-numbers", "referense"]), 2, "did you mean reference?");
}

#[test]
fn it_says_as_much_as_is_asked_for() {
    let environment = with_examples();
    let said = environment.finops(&["import", "data", "-v", "--dry-run"]);
    assert!(said.stdout.contains("tax_rates") && said.stdout.contains("would be added"), "{said}");
    let rows: String = (0..300).map(|i| format!("c{i},,DE\n")).collect();
    environment.write("many.csv", format!("company_id,name,country\n{rows}"));
    let error = environment.finops(&["import", "companies", "many.csv", "--json"]).json().remove(0);
    assert_eq!((error["problems_total"].as_u64(), error["problems"].as_array().map(Vec::len)), (Some(300), Some(200)));
    assert_eq!(environment.finops(&["import", "data", "-q"]).all(), "");
}

#[test]
fn card_numbers_are_refused_unless_the_column_is_exempt() {
    let environment = books();
    environment.write("c.csv", COMPANIES.replace("Weg 2", "4242 4242 4242 4242"));
    let said = environment.finops(&["import", "companies", "c.csv"]);
    told(&said, 1, "payment card (ending 4242)");
    assert!(!said.all().contains("4242 4242"), "{said}");
    assert_eq!(environment.finops(&["import", "companies", "c.csv", "--allow-numbers", "address_line1"]).code, 0);
}

#[test]
fn a_template_is_a_file_that_imports() {
    let environment = books();
    let template = environment.finops(&["import", "--template", "companies"]);
    environment.write("companies.csv", &template.stdout);
    assert_eq!(environment.finops(&["import", "companies", "companies.csv"]).code, 0, "{template}");
    told(&environment.finops(&["import", "--template", "customers"]), 2, "customers");
}

#[test]
fn without_a_database_it_says_what_to_do() {
    let environment = TestEnvironment::new();
    environment.write("companies.csv", COMPANIES);
    let database = ["--database", "sqlite:none.db"];
    told(&environment.finops(&["import", "companies", "companies.csv", database[0], database[1]]), 78, "finops db migrate");
}
