//! What is wrong with one thing on an invoice stops none of the others on it.

use super::*;

fn failed(plan: &CompanyPlan) -> Vec<String> {
    plan.failed.iter().map(|failed| failed.subject.to_string()).collect()
}

/// Two items that cannot be billed: one has no tax rate, one is too large only once its tax is added.
#[test]
fn an_item_that_cannot_be_billed_stops_no_contract() {
    let mut untaxed = item("untaxed", "2026-10-02", "10");
    untaxed.tax_code = Some("luxury".parse().unwrap());
    let huge = item("huge", "2026-10-02", "90000000000000000");
    let items = vec![huge, untaxed, item("good", "2026-10-02", "10")];
    for (consolidate, expected) in
        [(true, &["2026-10-01 a+b+good 249.90"][..]), (false, &["2026-10-01 a+good 130.90", "2026-10-01 b 119.00"])]
    {
        let mut facts = facts(vec![contract("a"), contract("b")], items.clone());
        facts.company.consolidate = consolidate;
        let plan = plan(&facts, "2026-10-15");
        assert_eq!(told(&plan), expected, "consolidate: {consolidate}");
        assert_eq!(failed(&plan), ["item huge", "item untaxed"]);
        assert_eq!(pointers(&plan), ["a 2026-11-01 2026-11-01", "b 2026-11-01 2026-11-01"]);
    }
}

#[test]
fn nor_another_item() {
    let items = vec![item("huge", "2026-10-02", "90000000000000000"), item("good", "2026-10-02", "10")];
    let plan = plan(&facts(Vec::new(), items), "2026-11-01");
    assert_eq!(told(&plan), ["2026-11-01 good 11.90"]);
    assert_eq!(failed(&plan), ["item huge"]);
}
