use crate::support::TestEnvironment;
use insta::assert_snapshot;

/// October is billed and issued: ten seats at 10.00, by a contract from the first of the month.
fn books() -> TestEnvironment {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    for (file, text) in [
        (
            "sellers.csv",
            "seller_id,name,address_line1,postal_code,city,country,time_zone,tax_code\nde,Muster,Weg 1,10115,Berlin,DE,Europe/Berlin,standard\n",
        ),
        (
            "tax_rates.csv",
            "seller_id,tax_code,valid_from,category,rate,name,note\nde,standard,2021-01-01,S,19,VAT 19 %,\nde,rc,2021-01-01,AE,0,Reverse charge,Art. 196\n",
        ),
        (
            "companies.csv",
            "company_id,name,address_line1,postal_code,city,country,tax_code\nacme,Acme,Weg 2,10115,Berlin,DE,\nferme,Ferme,Rue 1,67000,Strasbourg,FR,rc\n",
        ),
        (
            "contracts.csv",
            "company_id,contract_id,seller_id,currency,cadence,timing,start\nacme,care,de,EUR,monthly,advance,2026-10-01\nferme,soin,de,EUR,monthly,advance,2026-10-01\n",
        ),
        (
            "contract_items.csv",
            "company_id,contract_id,item_id,description,quantity,unit,unit_price\nacme,care,seats,Seats,10,seat,10.00\nferme,soin,sièges,Sièges,1,,10.00\n",
        ),
    ] {
        environment.write(file, text);
    }
    assert_eq!(environment.finops(&["import", "."]).code, 0);
    assert_eq!(run(&environment, "2", &["invoices", "generate"]).code, 0);
    environment
}

/// Runs with ids of its own, as no two runs share any.
fn run(environment: &TestEnvironment, seed: &str, args: &[&str]) -> crate::support::Said {
    let output = environment.command(args).env("FINOPS_TEST_SEED", seed).output();
    environment.said(output.expect("the binary runs"))
}

fn contracts(environment: &TestEnvironment, args: &[&str]) -> crate::support::Said {
    environment.finops(&[&["contracts"], args].concat())
}

#[test]
fn changed_in_a_billed_month_and_said_again() {
    let environment = books();
    let issued = run(&environment, "3", &["invoices", "issue"]);
    let told = "Reverse charge (AE) needs the buyer's tax id, and company ferme has none (EN 16931 BR-AE-02)\nhint: import the company's tax_id";
    assert!(issued.code == 3 && issued.stderr.contains(told), "{issued}");
    let change = ["change", "care", "--item", "seats", "--price", "15", "--on", "2026-10-18"];
    assert_snapshot!("contract_change_dry_run", contracts(&environment, &[&change[..], &["--dry-run"]].concat()));
    assert_snapshot!("contract_change_json", contracts(&environment, &[&change[..], &["--json"]].concat()));
    assert_snapshot!("contract_change_again", contracts(&environment, &change));
    assert_snapshot!("contract_show", contracts(&environment, &["show", "care"]));
    let add = ["change", "care", "--add", "backup", "--price", "31", "--on", "2026-10-31", "--description", "Backup"];
    assert_snapshot!("contract_add", contracts(&environment, &add));
    assert_snapshot!(
        "contract_pause",
        contracts(&environment, &["pause", "care", "--on", "2026-10-25", "--until", "2026-11-11"])
    );
    assert_snapshot!("contract_list", contracts(&environment, &["list"]));
    // November has the lines of all that, and its own.
    let november = ["--now", "2026-11-01T12:00:00Z", "invoices", "generate", "--dry-run", "--json", "--company-id", "acme"];
    let made = run(&environment, "5", &november);
    assert_snapshot!("contract_next_invoice", made);
}

#[test]
fn cancelled_with_a_credit_that_is_not_lost() {
    let environment = books();
    assert_eq!(run(&environment, "3", &["invoices", "issue"]).code, 3);
    let cancel = ["cancel", "care", "--on", "2026-10-18", "--notice-given", "2026-09-30"];
    assert_snapshot!("contract_cancel", contracts(&environment, &cancel));
    assert_snapshot!("contract_cancel_again", contracts(&environment, &cancel));
    let issued = run(&environment, "4", &["invoices", "issue", "--json"]);
    let credit = issued.json().into_iter().find(|line| line["company_id"] == "acme").expect("it is issued");
    assert_eq!(credit["total"], "-53.74", "14 of 31 days of 100.00, with tax: {issued}");
    assert_snapshot!("contract_cancel_undo", contracts(&environment, &["cancel", "care", "--undo", "--dry-run"]));
    assert_eq!(environment.finops(&["db", "check"]).code, 0);
    assert_eq!(environment.finops(&["audit", "verify"]).code, 0);
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let environment = books();
    for (args, code, text) in [
        (&["change", "care", "--on", "2026-10-18"][..], 2, "nothing is said to change"),
        (&["change", "care", "--price", "1"], 2, "--on"),
        (&["change", "care", "--price", "1", "--on", "2026-09-30"], 1, "begins on 2026-10-01"),
        (&["change", "care", "--item", "desks", "--price", "1", "--on", "2026-10-18"], 1, "its items on that day: seats"),
        (&["change", "none", "--price", "1", "--on", "2026-10-18"], 1, "finops contracts list"),
        (&["resume", "care", "--on", "2026-10-18"], 1, "is not paused on 2026-10-18"),
        (&["cancel", "care"], 2, "--on"),
    ] {
        let said = contracts(&environment, args);
        assert!(said.code == code && said.stderr.contains(text), "{text}: {said}");
    }
}
