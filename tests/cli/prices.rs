//! Prices from files to drafts: what changes tiers, plans or usage makes drafts anew, and what is
//! voided is billed again as it was.

use crate::support::TestEnvironment;
use serde_json::Value;
use std::cell::Cell;

const FILES: [(&str, &str); 10] = [
    ("sellers", "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n"),
    ("tax_rates", "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %\n"),
    ("companies", "company_id,name,country\nacme,Acme,DE\n"),
    ("contracts", "company_id,contract_id,seller_id,currency,cadence,timing,start\nacme,c,de,EUR,monthly,advance,2026-09-01\n"),
    ("plans", "plan_id,valid_from,name,currency\nbasic,2026-01-01,Basic,EUR\nbasic,2026-10-01,Basic,EUR\n"),
    (
        "plan_items",
        "plan_id,version,item_id,description,price_model,unit_price\nbasic,2026-01-01,base,Base,flat,49\n\
         basic,2026-10-01,base,Base,flat,59\n",
    ),
    ("contract_plans", "company_id,contract_id,plan_id,version\nacme,c,basic,2026-01-01\n"),
    (
        "contract_items",
        "company_id,contract_id,item_id,description,price_model,quantity,unit_price,included,meter\n\
         acme,c,seats,Seats,graduated,12,,,\nacme,c,calls,Calls,per_unit,,0.01,100,api\n",
    ),
    ("price_tiers", TIERS),
    ("usage", "company_id,usage_key,contract_id,meter,used_on,quantity\nacme,u1,c,api,2026-09-15,350\n"),
];
const TIERS: &str = "company_id,contract_id,item_id,up_to,unit_price\nacme,c,seats,10,5\nacme,c,seats,,4\n";

/// The second counts the runs, so that each makes ids of its own.
struct Books(TestEnvironment, Cell<u32>);

impl Books {
    fn new() -> Self {
        let books = Self(TestEnvironment::new(), Cell::new(0));
        for (name, text) in FILES {
            books.0.write(&format!("data/{name}.csv"), text);
        }
        books.run(&["init"]);
        books.run(&["import", "data"]);
        books
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> Vec<Value> {
        self.1.set(self.1.get() + 1);
        let mut command = self.0.command(&[args, &["--json"]].concat());
        let said = self.0.said(command.env("FINOPS_TEST_SEED", self.1.get().to_string()).output().unwrap());
        assert_eq!(said.code, 0, "{args:?}: {said}");
        said.json()
    }

    #[track_caller]
    fn import(&self, kind: &str, text: &str) {
        self.0.write("changed.csv", text);
        self.run(&["import", kind, "changed.csv"]);
    }

    /// `outcome period total: line, line` of each draft that a run makes or makes anew.
    fn generated(&self) -> Vec<String> {
        let made = self.run(&["invoices", "generate"]);
        made.iter().filter(|line| line["lines"].is_array()).map(told).collect()
    }
}

fn told(invoice: &Value) -> String {
    let line = |line: &Value| format!("{} {}", line["item_id"].as_str().unwrap_or("all"), line["amount"].as_str().unwrap());
    let lines: Vec<String> = invoice["lines"].as_array().unwrap().iter().map(line).collect();
    let outcome = invoice["outcome"].as_str().unwrap_or_default();
    format!(
        "{outcome} {} {}: {}",
        invoice["period"]["start"].as_str().unwrap(),
        invoice["net"].as_str().unwrap(),
        lines.join(", ")
    )
}

#[test]
fn what_prices_are_made_of_makes_drafts_anew() {
    let books = Books::new();
    let expected = [
        "drafted 2026-09-01 107.00: base 49.00, seats 50.00, seats 8.00",
        "drafted 2026-09-01 109.50: base 49.00, seats 50.00, seats 8.00, calls 2.50",
    ];
    assert_eq!(books.generated(), expected);
    assert_eq!(books.generated(), Vec::<String>::new());

    books.import("price_tiers", &TIERS.replace(",10,5", ",10,6"));
    let expected = [
        "rebuilt 2026-09-01 117.00: base 49.00, seats 60.00, seats 8.00",
        "rebuilt 2026-09-01 119.50: base 49.00, seats 60.00, seats 8.00, calls 2.50",
    ];
    assert_eq!(books.generated(), expected);
    books
        .import("plan_items", "plan_id,version,item_id,description,price_model,unit_price\nbasic,2026-01-01,base,Base,flat,50\n");
    assert_eq!(books.generated().len(), 2);
    books.import("usage", "company_id,usage_key,contract_id,meter,used_on,quantity\nacme,u2,c,api,2026-09-30,50\n");
    let expected = ["rebuilt 2026-09-01 121.00: base 50.00, seats 60.00, seats 8.00, calls 3.00"];
    assert_eq!(books.generated(), expected, "September's draft comes out the same");
    books.import("contract_plans", "company_id,contract_id,valid_from,plan_id,version\nacme,c,2026-10-16,basic,2026-10-01\n");
    // 50 × 15 ÷ 31 and 59 × 16 ÷ 31.
    let expected = ["rebuilt 2026-09-01 125.64: base 24.19, base 30.45, seats 60.00, seats 8.00, calls 3.00"];
    assert_eq!(books.generated(), expected);
    books.import("discounts", "company_id,contract_id,discount_id,percent,description\nacme,c,off,50,Half\n");
    let expected = [
        "rebuilt 2026-09-01 59.00: base 50.00, seats 60.00, seats 8.00, all -59.00",
        "rebuilt 2026-09-01 62.82: base 24.19, base 30.45, seats 60.00, seats 8.00, calls 3.00, all -62.82",
    ];
    assert_eq!(books.generated(), expected);
    assert!(books.run(&["db", "check"]).iter().all(|line| line["type"] == "summary"), "the books are in order");
}

#[test]
fn what_is_voided_is_billed_again_as_it_was() {
    let books = Books::new();
    books.generated();
    let numbers: Vec<String> =
        books.run(&["invoices", "issue"]).iter().filter_map(|line| Some(line["number"].as_str()?.to_owned())).collect();
    assert_eq!(numbers.len(), 2);
    let before = books.run(&["invoices", "show", &numbers[1]]).remove(0);
    // What is issued keeps its prices, usage and plan.
    books.0.write("late.csv", "company_id,usage_key,contract_id,meter,used_on,quantity\nacme,u2,c,api,2026-09-30,50\n");
    let said = books.0.finops(&["import", "usage", "late.csv"]);
    assert!(said.code != 0 && said.stderr.contains("the usage of 2026-09-01 to 2026-09-30 is issued already"), "{said}");
    books.run(&["invoices", "void", &numbers[1], "--reason", "wrong address"]);
    let again = books.run(&["invoices", "regenerate", &numbers[1]]);
    let again = again.iter().find(|line| line["lines"].is_array()).expect("a draft");
    assert_eq!(again["lines"], before["lines"]);
    assert_eq!(again["total"], before["total"]);
    assert!(books.run(&["db", "check"]).iter().all(|line| line["type"] == "summary"), "the books are in order");
}
