//! What the business charges by: price models of all kinds, tiers, plans, discounts and usage.

use crate::random::Random;
use chrono::{NaiveDate, TimeDelta};
use finops::import::Kind;

/// What comes with the items of a contract, as the files that bring it.
#[derive(Default)]
pub struct Prices {
    items: String,
    tiers: String,
    plans: String,
    discounts: String,
}

/// Rows of the model `plan`, and of plans, need a plan in each currency.
pub fn plans(currencies: &[&str]) -> Vec<(Kind, String)> {
    let (mut plans, mut items, mut tiers) = (PLANS.to_owned(), PLAN_ITEMS.to_owned(), PLAN_TIERS.to_owned());
    for currency in currencies {
        for (version, price) in [("2020-01-01", "40"), ("2027-06-01", "45")] {
            plans.push_str(&format!("p-{currency},{version},Plan,{currency}\n"));
            items.push_str(&format!("p-{currency},{version},base,Base,flat,{price},,\n"));
            items.push_str(&format!("p-{currency},{version},calls,Calls,graduated,,100,api\n"));
            tiers.push_str(&format!("p-{currency},{version},calls,500,0.5,\np-{currency},{version},calls,,0.25,7\n"));
        }
    }
    vec![(Kind::Plans, plans), (Kind::PlanItems, items), (Kind::PlanTiers, tiers)]
}

impl Prices {
    pub fn new() -> Self {
        Self { items: ITEMS.to_owned(), tiers: TIERS.to_owned(), plans: ON_PLANS.to_owned(), discounts: DISCOUNTS.to_owned() }
    }

    /// In the order in which one needs the other.
    pub fn files(self) -> Vec<(Kind, String)> {
        vec![
            (Kind::ContractPlans, self.plans),
            (Kind::ContractItems, self.items),
            (Kind::PriceTiers, self.tiers),
            (Kind::Discounts, self.discounts),
        ]
    }

    /// One to three items, of which the first is there all the time, so that every period has
    /// something to bill. Returns whether usage of the contract is billed.
    pub fn contract(&mut self, random: &mut Random, (company, contract, currency): (&str, &str, &str), from: NaiveDate) -> bool {
        let head = format!("{company},{contract}");
        let mut metered = false;
        for n in 0..random.between(1, 3) {
            let (valid_from, end) = match n {
                0 => (String::new(), String::new()),
                _ => {
                    let from = from + TimeDelta::days(random.between(0, 120));
                    let end = from + TimeDelta::days(random.between(1, 200));
                    (from.to_string(), if random.percent(50) { end.to_string() } else { String::new() })
                }
            };
            let models: &[&str] = match n {
                0 => &["flat", "per_unit", "per_unit", "graduated", "volume", "package"],
                _ => &["flat", "per_unit", "graduated", "volume", "package", "one_time", "minimum"],
            };
            let model = *random.pick(models);
            let tiered = matches!(model, "graduated" | "volume");
            let unit_price = if tiered { String::new() } else { price(random) };
            let units = !matches!(model, "flat" | "one_time" | "minimum");
            let meter = if n > 0 && units && random.percent(40) { "api" } else { "" };
            metered |= !meter.is_empty();
            let size = if model == "package" { *random.pick(&["1", "5", "2.5"]) } else { "" };
            let included = if units && random.percent(40) { *random.pick(&["1", "2.5", "100"]) } else { "" };
            let minimum = if !matches!(model, "one_time" | "minimum") && random.percent(20) { "31" } else { "" };
            let (quantity, code) = (*random.pick(&["1", "3", "7.5", "12"]), *random.pick(&["", "", "reduced"]));
            // A flat price is billed once: it has no quantity.
            let quantity = if model == "flat" { "" } else { quantity };
            self.items.push_str(&format!(
                "{head},i{n},{valid_from},{end},Item {n},{model},{quantity},{unit_price},{code},{size},{included},{meter},{minimum}\n"
            ));
            if tiered {
                for limit in ["2", "7.5", "150"].into_iter().take(usize::try_from(random.between(0, 3)).unwrap()).chain([""]) {
                    let fee = if random.percent(30) { "4.50" } else { "" };
                    self.tiers.push_str(&format!("{head},i{n},{valid_from},{limit},{},{fee}\n", price(random)));
                }
            }
            if random.percent(15) {
                let off = *random.pick(&["10,", "33.3,", ",5", ",900"]);
                self.discounts.push_str(&format!("{head},d{n},i{n},{off},,{},Off item\n", random.pick(&["", "1", "3"])));
            }
        }
        if random.percent(25) {
            let off = *random.pick(&["10,", "12.5,", ",20"]);
            self.discounts.push_str(&format!("{head},all,,{off},,{},Off all\n", random.pick(&["", "2", "6"])));
        }
        if random.percent(30) {
            let version = *random.pick(&["", "2020-01-01"]);
            self.plans.push_str(&format!("{head},,p-{currency},{version}\n"));
            metered = true;
        }
        metered
    }
}

/// What contracts with a meter used: each count once, sometimes again with another figure.
pub fn usage(random: &mut Random, metered: &[(String, String)], day: NaiveDate) -> Option<(Kind, String)> {
    if metered.is_empty() {
        return None;
    }
    let mut text = USAGE.to_owned();
    let mut keys = std::collections::BTreeSet::new();
    for _ in 0..random.between(1, 4) {
        let (company, contract) = random.pick(metered);
        let on = day - TimeDelta::days(random.between(-2, 20));
        let key = format!("{on}/{contract}/{}", random.below(2));
        if keys.insert((company.clone(), key.clone())) {
            let quantity = random.pick(&["1", "40", "99.5", "700", "0"]);
            text.push_str(&format!("{company},{key},{contract},api,{on},{quantity}\n"));
        }
    }
    Some((Kind::Usage, text))
}

/// Other tiers of an item, which may have none: then they are refused.
pub fn new_tiers(random: &mut Random, (company, contract): (&str, &str), day: NaiveDate) -> (Kind, String) {
    let from = if random.percent(40) { String::new() } else { (day + TimeDelta::days(random.between(0, 45))).to_string() };
    let (below, above) = (price(random), price(random));
    let head = format!("{company},{contract},i{},{from}", random.below(2));
    (Kind::PriceTiers, format!("{TIERS}{head},4,{below},\n{head},,{above},2\n"))
}

/// A plan that a contract is put on, or moved to; it may be in another currency, and is refused then.
pub fn new_plan(random: &mut Random, (company, contract): (&str, &str), currencies: &[&str]) -> (Kind, String) {
    let plan = if random.percent(20) { String::new() } else { format!("p-{}", random.pick(currencies)) };
    let version = if plan.is_empty() { "" } else { *random.pick(&["", "2020-01-01", "2027-06-01"]) };
    (Kind::ContractPlans, format!("{ON_PLANS}{company},{contract},,{plan},{version}\n"))
}

fn price(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.between(1, 900).to_string(),
        1 => format!("{}.{:02}", random.between(0, 99), random.below(100)),
        2 => format!("{}.{:03}", random.between(0, 99), random.below(1000)),
        _ => format!("0.{:06}", random.between(1, 999_999)),
    }
}

pub const ITEMS: &str = "company_id,contract_id,item_id,valid_from,end,description,price_model,quantity,unit_price,tax_code,\
    package_size,included,meter,minimum\n";
const TIERS: &str = "company_id,contract_id,item_id,valid_from,up_to,unit_price,flat_fee\n";
const PLANS: &str = "plan_id,valid_from,name,currency\n";
const PLAN_ITEMS: &str = "plan_id,version,item_id,description,price_model,unit_price,included,meter\n";
const PLAN_TIERS: &str = "plan_id,version,item_id,up_to,unit_price,flat_fee\n";
const ON_PLANS: &str = "company_id,contract_id,valid_from,plan_id,version\n";
const DISCOUNTS: &str = "company_id,contract_id,discount_id,item_id,percent,amount,valid_from,periods,description\n";
const USAGE: &str = "company_id,usage_key,contract_id,meter,used_on,quantity\n";
