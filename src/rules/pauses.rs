//! Pauses of a contract: on their days nothing of it is served or billed. Its boundaries stay where
//! they are, so that what is left of a period is a part of the same whole as ever.

use crate::model::{ContractItem, Pause};
use chrono::NaiveDate;

/// The versions of a contract's items, cut where it is paused: what is billed.
pub fn served(items: Vec<ContractItem>, pauses: &[Pause]) -> Vec<ContractItem> {
    if pauses.is_empty() {
        return items;
    }
    let mut pauses: Vec<&Pause> = pauses.iter().collect();
    pauses.sort_by_key(|pause| pause.from);
    let mut items = items;
    items.sort_by(|a, b| (&a.item_id, a.valid_from).cmp(&(&b.item_id, b.valid_from)));
    let mut cut = Vec::with_capacity(items.len() + pauses.len());
    for (index, item) in items.iter().enumerate() {
        let next = items.get(index + 1).filter(|next| next.item_id == item.item_id).map(|next| next.valid_from);
        let until = item.end.into_iter().chain(next).min();
        let before = cut.len();
        let mut from = Some(item.valid_from);
        for pause in &pauses {
            let Some(start) = from else { break };
            if pause.until.is_some_and(|until| until <= start) || pause.until == Some(pause.from) {
                continue;
            }
            keep(&mut cut, item, start, earlier(until, pause.from));
            from = pause.until.map(|until| until.max(start));
        }
        if let Some(from) = from {
            cut.extend(is_some_day(from, until).then(|| ContractItem { valid_from: from, end: until, ..item.clone() }));
        }
        if cut.len() == before {
            // It stands, but for no day: a contract that is paused has its items.
            cut.push(ContractItem { end: Some(item.valid_from), ..item.clone() });
        }
    }
    cut
}

fn keep(cut: &mut Vec<ContractItem>, item: &ContractItem, from: NaiveDate, until: NaiveDate) {
    cut.extend((from < until).then(|| ContractItem { valid_from: from, end: Some(until), ..item.clone() }));
}

fn earlier(until: Option<NaiveDate>, day: NaiveDate) -> NaiveDate {
    until.map_or(day, |until| until.min(day))
}

fn is_some_day(from: NaiveDate, until: Option<NaiveDate>) -> bool {
    until.is_none_or(|until| from < until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::calendar::parse_date;
    use crate::model::{Period, PriceModel, PriceTerms};
    use crate::rules::pricing::segments;
    use rust_decimal::Decimal;

    fn date(text: &str) -> NaiveDate {
        parse_date(text).unwrap()
    }

    fn version(id: &str, from: &str, end: Option<&str>) -> ContractItem {
        ContractItem {
            company_id: "acme".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            item_id: id.parse().unwrap(),
            valid_from: date(from),
            end: end.map(date),
            description: String::new(),
            price_model: PriceModel::PerUnit,
            quantity: Decimal::ONE,
            unit: String::new(),
            unit_price: Decimal::ONE_HUNDRED,
            terms: PriceTerms::default(),
            tax_code: None,
        }
    }

    fn pause(from: &str, until: Option<&str>) -> Pause {
        Pause { company_id: "acme".parse().unwrap(), contract_id: "c".parse().unwrap(), from: date(from), until: until.map(date) }
    }

    /// What is active in a whole year.
    fn told(items: &[ContractItem], pauses: &[Pause]) -> Vec<String> {
        let year = Period::new(date("2026-01-01"), date("2027-01-01")).unwrap();
        let cut = served(items.to_vec(), pauses);
        segments(&cut, year).iter().map(|s| format!("{} {}", s.item.item_id, s.days)).collect()
    }

    #[test]
    fn the_days_of_a_pause_are_not_served() {
        let items =
            [version("a", "2025-01-01", None), version("a", "2026-06-01", None), version("b", "2026-03-01", Some("2026-04-01"))];
        assert_eq!(told(&items, &[]), ["a 2026-01-01 to 2026-05-31", "a 2026-06-01 to 2026-12-31", "b 2026-03-01 to 2026-03-31"]);
        assert_eq!(
            told(&items, &[pause("2026-03-10", Some("2026-03-20")), pause("2026-02-01", Some("2026-02-02"))]),
            [
                "a 2026-01-01 to 2026-01-31",
                "a 2026-02-02 to 2026-03-09",
                "a 2026-03-20 to 2026-05-31",
                "a 2026-06-01 to 2026-12-31",
                "b 2026-03-01 to 2026-03-09",
                "b 2026-03-20 to 2026-03-31",
            ]
        );
        // Over the beginning of a version, which is what holds when the contract is resumed.
        assert_eq!(
            told(&items, &[pause("2026-02-15", Some("2026-06-11"))]),
            ["a 2026-01-01 to 2026-02-14", "a 2026-06-11 to 2026-12-31"]
        );
        assert_eq!(told(&items, &[pause("2026-02-15", None)]), ["a 2026-01-01 to 2026-02-14"]);
        // One that was taken back is none.
        assert_eq!(told(&items, &[pause("2026-02-15", Some("2026-02-15"))]), told(&items, &[]));
    }

    #[test]
    fn a_contract_that_is_paused_from_the_first_day_has_its_items() {
        let items = [version("a", "2026-01-01", None)];
        assert_eq!(served(items.to_vec(), &[pause("2026-01-01", None)]).len(), 1);
        assert!(told(&items, &[pause("2026-01-01", None)]).is_empty());
        assert_eq!(told(&items, &[pause("2026-01-01", Some("2026-03-01"))]), ["a 2026-03-01 to 2026-12-31"]);
    }
}
