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

/// What a document shows is in the order in which people count, also where ids have no leading zeros.
#[test]
fn lines_are_in_the_natural_order_of_their_ids() {
    let of = |id: &str| {
        let mut facts = contract(id);
        facts.items = ["item-10", "item-2", "item-1"]
            .map(|item| ContractItem {
                item_id: item.parse().unwrap(),
                description: format!("{id}/{item}"),
                ..version(id, "2026-01-01", "100")
            })
            .to_vec();
        facts
    };
    let items = ["k-10", "k-9"].map(|key| BillableItem { description: key.to_owned(), ..item(key, "2026-10-02", "10") }).to_vec();
    let mut facts = facts(vec![of("c-10"), of("c-2")], items);
    facts.company.consolidate = true;
    let plan = plan(&facts, "2026-10-15");
    let lines: Vec<&str> = plan.invoices[0].lines.iter().map(|line| line.description.as_str()).collect();
    let expected = ["c-2/item-1", "c-2/item-2", "c-2/item-10", "c-10/item-1", "c-10/item-2", "c-10/item-10", "k-9", "k-10"];
    assert_eq!(lines, expected);
}
