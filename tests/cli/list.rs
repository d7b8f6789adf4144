//! `invoices list`: filters, orders and pages on the example business.

use crate::support::TestEnvironment;
use rust_decimal::Decimal;
use serde_json::Value;

fn billed() -> TestEnvironment {
    let mut environment = crate::terminal::imported();
    for (seed, verb) in [("1", "generate"), ("2", "issue")] {
        environment.set("FINOPS_TEST_SEED", seed);
        assert_eq!(environment.finops(&["invoices", verb]).code, 0);
    }
    environment
}

fn list(environment: &TestEnvironment, flags: &[&str]) -> Vec<Value> {
    let args: Vec<&str> = ["invoices", "list", "--json"].iter().chain(flags).copied().collect();
    let said = environment.finops(&args);
    assert_eq!(said.code, 0, "{flags:?}: {said}");
    said.json()
}

/// Each filter leaves some, and just those that it says.
#[test]
fn filters_leave_what_they_say() {
    let environment = billed();
    let all = list(&environment, &[]);
    let first = &all[0];
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let number = text(first, "number");
    type Wanted = fn(&Value, &Value) -> bool;
    let cases: [(&[&str], Wanted); 8] = [
        (&["--state", "open,paid"], |i, _| ["open", "paid"].contains(&i["state"].as_str().unwrap())),
        (&["--company-id", "@company_id"], |i, first| i["company_id"] == first["company_id"]),
        (&["--seller-id", "@seller_id"], |i, first| i["seller_id"] == first["seller_id"]),
        (&["--contract-id", "@contract_id"], |i, first| i["contract_id"] == first["contract_id"]),
        (&["--currency", "@currency"], |i, first| i["currency"] == first["currency"]),
        (&["--issued-to", "2026-10-31"], |i, _| i["issued_on"].as_str().unwrap() <= "2026-10-31"),
        (&["--due-from", "2026-11-14"], |i, _| i["due_on"].as_str().unwrap() >= "2026-11-14"),
        (&["--period", "2026-10"], |i, _| i["period"]["start"].as_str().unwrap().starts_with("2026-10")),
    ];
    for (flags, wanted) in cases {
        let flags: Vec<String> =
            flags.iter().map(|flag| flag.strip_prefix('@').map_or((*flag).to_owned(), |field| text(first, field))).collect();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let found = list(&environment, &flags);
        let expected = all.iter().filter(|invoice| wanted(invoice, first)).count();
        assert!(!found.is_empty() && found.iter().all(|i| wanted(i, first)), "{flags:?}");
        assert_eq!(found.len(), expected, "{flags:?}");
    }
    assert_eq!(list(&environment, &["--text", &number.to_lowercase()]).len(), 1);
    assert!(list(&environment, &["--text", "no such text"]).is_empty());
    let amounts =
        list(&environment, &["--currency", "EUR", "--total-from", "100", "--total-to", "500", "--sort", "total", "--desc"]);
    let totals: Vec<Decimal> = amounts.iter().map(|i| i["total"].as_str().unwrap().parse().unwrap()).collect();
    assert!(totals.len() > 1 && totals.windows(2).all(|pair| pair[0] >= pair[1]), "{totals:?}");
    assert!(totals.iter().all(|total| (Decimal::from(100)..=500.into()).contains(total)), "{totals:?}");
}

#[test]
fn overdue_goes_by_the_day_and_pages_go_on() {
    let environment = billed();
    assert!(list(&environment, &["--overdue"]).is_empty(), "nothing is on the day of issue");
    let late = list(&environment, &["--overdue", "--now", "2027-01-01T12:00:00Z"]);
    assert_eq!(late.len(), list(&environment, &["--state", "open"]).len());
    assert!(late.windows(2).all(|pair| pair[0]["due_on"].as_str() <= pair[1]["due_on"].as_str()), "sorted by due date");

    for sort in ["company", "number", "issued", "due", "period", "total"] {
        let all = list(&environment, &["--sort", sort]);
        let mut found = list(&environment, &["--sort", sort, "--limit", "5"]);
        while found.len() < all.len() {
            let after = format!(
                "{}/{}",
                found.last().unwrap()["company_id"].as_str().unwrap(),
                all[found.len() - 1]["number"].as_str().unwrap()
            );
            let number = after.rsplit('/').next().unwrap().to_owned();
            let page = list(&environment, &["--sort", sort, "--limit", "5", "--after", &number]);
            assert!(!page.is_empty(), "{sort} after {number}");
            found.extend(page);
        }
        assert_eq!(found, all, "{sort}");
    }
}

#[test]
fn what_cannot_be_meant_is_told() {
    let environment = billed();
    for (flags, code, told) in [
        (&["--total-from", "100"][..], 2, "--currency"),
        (&["--currency", "JPY", "--total-from", "1.5"], 2, "JPY"),
        (&["--overdue", "--state", "paid"], 2, "--overdue"),
        (&["--after", "INV-0"], 1, "INV-0"),
        (&["--issued-from", "31.10.2026"], 2, "2026-10-31"),
    ] {
        let args: Vec<&str> = ["invoices", "list"].iter().chain(flags).copied().collect();
        let said = environment.finops(&args);
        assert!(said.code == code && said.stderr.contains(told), "{flags:?}: {said}");
    }
}
