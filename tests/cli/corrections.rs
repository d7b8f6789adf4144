//! `invoices credit`, `edit` and `uncollectible`, and `credit`: what they say.

use crate::support::{Said, TestEnvironment};
use insta::assert_snapshot;
use std::cell::Cell;
use std::process::Output;

const FILES: [(&str, &str); 5] = [
    ("sellers.csv", "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n"),
    (
        "tax_rates.csv",
        "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %\nde,reduced,2021-01-01,S,7,VAT 7 %\n",
    ),
    ("companies.csv", "company_id,name,country\nacme,Acme,DE\n"),
    (
        "contracts.csv",
        "company_id,contract_id,seller_id,currency,cadence,timing,start\nacme,care,de,EUR,monthly,advance,2026-10-01\n",
    ),
    (
        "contract_items.csv",
        "company_id,contract_id,item_id,description,quantity,unit,unit_price,tax_code\n\
         acme,care,a,Books,1,,10.00,reduced\nacme,care,b,Seats,10,seat,10.00,\n",
    ),
];

/// An environment in which each command makes ids of its own.
struct Books {
    inner: TestEnvironment,
    commands: Cell<u32>,
}

impl Books {
    fn finops(&self, args: &[&str]) -> Said {
        self.inner.said(self.output(args))
    }

    fn output(&self, args: &[&str]) -> Output {
        self.commands.set(self.commands.get() + 1);
        self.inner.command(args).env("FINOPS_TEST_SEED", self.commands.get().to_string()).output().unwrap()
    }
}

/// A draft over 129.70 EUR, and its id.
fn drafted() -> (Books, String) {
    let environment = Books { inner: TestEnvironment::new(), commands: Cell::new(0) };
    assert_eq!(environment.finops(&["init"]).code, 0);
    for (name, text) in FILES {
        environment.inner.write(name, text);
    }
    for args in [&["import", "."][..], &["invoices", "generate"]] {
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
    let list = environment.output(&["invoices", "list", "--json"]);
    let draft: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    (environment, draft["invoice_id"].as_str().unwrap().to_owned())
}

/// The same, issued as INV-2026-000001.
fn issued() -> Books {
    let (environment, _) = drafted();
    let said = environment.finops(&["invoices", "issue"]);
    assert_eq!(said.code, 0, "{said}");
    environment
}

fn credit(environment: &Books, more: &[&str]) -> Said {
    environment.finops(&[&["invoices", "credit", "INV-2026-000001"], more].concat())
}

#[test]
fn a_credit_note_is_made_once_and_shown() {
    let environment = issued();
    let wanted = ["--line", "2", "--reason", "ten seats less", "--ref", "ticket 1"];
    assert_snapshot!("credit_dry_run", credit(&environment, &[&wanted[..], &["--dry-run"]].concat()));
    assert!(!environment.inner.path("documents/de/2026/CN-2026-000001.pdf").exists());
    assert_snapshot!("credit_made", credit(&environment, &wanted));
    assert!(environment.inner.path("documents/de/2026/CN-2026-000001.pdf").exists());
    assert_snapshot!("credit_again_json", credit(&environment, &[&wanted[..], &["--json"]].concat()));
    assert_snapshot!("credit_other_content", credit(&environment, &["--amount", "1.00", "--ref", "ticket 1"]));
    let pay = ["payments", "record", "INV-2026-000001", "--amount", "10", "--date", "2026-10-31", "--ref", "TX1"];
    assert_eq!(environment.finops(&pay).code, 0);
    assert_snapshot!("credit_rest", credit(&environment, &[]));
    assert_snapshot!("credit_nothing_left", credit(&environment, &["--json"]));
    assert_snapshot!("credited_show", environment.finops(&["invoices", "show", "INV-2026-000001"]));
    assert_snapshot!("credit_note_show", environment.finops(&["invoices", "show", "CN-2026-000001"]));
    assert_snapshot!("credit_note_show_json", environment.finops(&["invoices", "show", "CN-2026-000002", "--json"]));
    assert_snapshot!("credited_list", environment.finops(&["invoices", "list"]));
    assert_snapshot!("credited_status", environment.finops(&["status"]));
    for args in [&["audit", "verify"][..], &["db", "check"]] {
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
}

#[test]
fn company_credit_is_listed_paid_out_and_used() {
    let environment = issued();
    let pay = ["payments", "record", "INV-2026-000001", "--amount", "180.00", "--date", "2026-10-31", "--ref", "TX1"];
    assert_eq!(environment.finops(&pay).code, 0);
    assert_snapshot!("company_credit_list", environment.finops(&["credit", "list"]));
    assert_snapshot!("company_credit_list_json", environment.finops(&["credit", "list", "--json"]));
    let refund = |more: &[&str]| {
        environment.finops(&[&["credit", "refund", "--company-id", "acme", "--amount", "20.30", "--ref", "B1"], more].concat())
    };
    assert_snapshot!("company_credit_refund_dry_run", refund(&["--dry-run"]));
    assert_snapshot!("company_credit_refund", refund(&[]));
    assert_snapshot!("company_credit_refund_again", refund(&["--json"]));
    let too_much = environment.finops(&["credit", "refund", "--company-id", "acme", "--amount", "31", "--ref", "B2"]);
    assert!(too_much.code == 1 && too_much.stderr.contains("has 30.00 EUR of credit"), "{too_much}");

    let mut environment = environment;
    environment.inner.set("FINOPS_TEST_CLOCK", "2026-11-02T12:00:00Z");
    assert_eq!(environment.finops(&["invoices", "generate"]).code, 0);
    assert_snapshot!("issue_with_credit_dry_run", environment.finops(&["invoices", "issue", "--dry-run"]));
    assert_snapshot!("issue_with_credit_json", environment.finops(&["invoices", "issue", "-v", "--json"]));
    assert_snapshot!("used_credit_show", environment.finops(&["invoices", "show", "INV-2026-000002"]));
    assert_snapshot!("company_credit_entries", environment.finops(&["credit", "list", "--company-id", "acme"]));
}

#[test]
fn a_draft_is_edited() {
    let (environment, draft) = drafted();
    let edit = |more: &[&str]| environment.finops(&[&["invoices", "edit", &draft], more].concat());
    assert_snapshot!("edit_dry_run", edit(&["--set", "2", "--quantity", "8", "--dry-run"]));
    let added = ["--remove", "1", "--add", "--description", "Discount", "--unit-price", "-20"];
    assert_snapshot!("edit_add_remove", edit(&added));
    assert_snapshot!("edit_json", edit(&["--set", "1", "--unit", "place", "--json"]));
    assert_snapshot!("edited_show", environment.finops(&["invoices", "show", &draft]));
    for (said, code, told) in [
        (edit(&[]), 2, "--add"),
        (edit(&["--set", "1"]), 2, "--set needs what to set"),
        (edit(&["--quantity", "1"]), 2, "--set"),
        (edit(&["--set", "1", "--add", "--quantity", "1"]), 2, "cannot be used with"),
        (edit(&["--set", "9", "--quantity", "1"]), 1, "no line 9"),
        (edit(&["--add", "--quantity", "1"]), 1, "give --description and --unit-price"),
    ] {
        assert!(said.code == code && said.stderr.contains(told), "{told}: {said}");
    }
}

#[test]
fn an_invoice_is_written_off() {
    let environment = issued();
    let write_off = || environment.finops(&["invoices", "uncollectible", "INV-2026-000001", "--reason", "insolvent"]);
    assert_snapshot!("uncollectible", write_off());
    assert_snapshot!("uncollectible_again", write_off());
    let without_reason = environment.finops(&["invoices", "uncollectible", "INV-2026-000001"]);
    assert!(without_reason.code == 2 && without_reason.stderr.contains("--reason"), "{without_reason}");
}

#[test]
fn what_is_paid_on_a_void_invoice_is_kept_when_somebody_says_so() {
    let environment = issued();
    let void =
        |more: &[&str]| environment.finops(&[&["invoices", "void", "INV-2026-000001", "--reason", "wrong"], more].concat());
    assert_snapshot!("void_dry_run_json", void(&["--dry-run", "--json"]));
    assert_snapshot!("void", void(&[]));
    assert_snapshot!("void_again", void(&[]));
    let pay = |more: &[&str]| {
        let pay = ["payments", "record", "INV-2026-000001", "--amount", "129.70", "--date", "2026-10-31", "--ref", "TX1"];
        environment.finops(&[&pay, more].concat())
    };
    assert_snapshot!("void_paid", pay(&[]));
    assert_snapshot!("void_paid_as_credit_dry_run", pay(&["--as-credit", "--dry-run"]));
    assert_snapshot!("void_paid_as_credit", pay(&["--as-credit"]));
    assert_snapshot!("void_paid_as_credit_again", pay(&["--as-credit", "--json"]));
    for args in [&["audit", "verify"][..], &["db", "check"]] {
        let said = environment.finops(args);
        assert_eq!(said.code, 0, "{said}");
    }
}
