//! Tiers, plans, discounts and usage: sets that stand together, versions that stay, and what is issued.

use crate::database::each_engine;
use crate::support::{Books, company, contract};
use finops::import::Kind::{ContractItems, ContractPlans, Discounts, PlanItems, PlanTiers, Plans, PriceTiers, Usage};
use finops::model::InvoiceState::{Draft, Open, Void};
use finops::model::PriceModel;
use finops::store::{billing, contracts, invoices, plans, usage};
use rust_decimal::Decimal;

const CALLS: &str = "company_id,contract_id,item_id,description,price_model,meter\nacme,care,calls,Calls,graduated,api\n";
const TIERS: &str = "company_id,contract_id,item_id,valid_from,up_to,unit_price,flat_fee\n\
    acme,care,calls,,100,0.10,\nacme,care,calls,,,0.05,20\n";
const PLAN: &str =
    "plan_id,valid_from,name,currency\nbasic,2026-01-01,Basic,EUR\nbasic,2026-07-01,Basic,EUR\nswiss,2026-01-01,Swiss,CHF\n";
const PLAN_ITEMS: &str = "plan_id,version,item_id,description,price_model,unit_price,meter\n\
    basic,2026-01-01,base,Base,flat,49,\nbasic,2026-01-01,gb,Storage,graduated,,gb\nbasic,2026-07-01,base,Base,flat,59,\n";
const PLAN_TIERS: &str =
    "plan_id,version,item_id,up_to,unit_price,flat_fee\nbasic,2026-01-01,gb,10,0,\nbasic,2026-01-01,gb,,0.2,\n";
const ON_PLAN: &str = "company_id,contract_id,plan_id\nacme,care,basic\n";

fn used(rows: &[(&str, &str, &str, &str)]) -> String {
    let row = |(key, meter, on, quantity): &(&str, &str, &str, &str)| format!("acme,{key},care,{meter},{on},{quantity}\n");
    let rows: String = rows.iter().map(row).collect();
    format!("company_id,usage_key,contract_id,meter,used_on,quantity\n{rows}")
}

fn with_calls(books: &mut Books) {
    books.import(&[(ContractItems, CALLS), (PriceTiers, TIERS)]).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
}

fn with_plan(books: &mut Books) {
    let all = [(Plans, PLAN), (PlanItems, PLAN_ITEMS), (PlanTiers, PLAN_TIERS), (ContractPlans, ON_PLAN)];
    books.import(&all).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
}

/// `valid_from tiers` of each version of the item with tiers.
fn tiers(books: &mut Books) -> Vec<String> {
    let items = books.read(|tx| contracts::items(tx, &company(), &contract()));
    let told = |item: &finops::model::ContractItem| item.terms.tiers.as_ref().map(|tiers| format!("{} {tiers}", item.valid_from));
    items.iter().filter_map(told).collect()
}

/// So is what else its model has not: nobody may believe that it counts.
#[test]
fn what_the_model_that_stands_has_not_is_refused() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_plan(&mut books);
        let head = "company_id,contract_id,item_id,description";
        let flat = format!("{head},price_model,unit_price\nacme,care,desks,Desks,flat,50\n");
        assert_eq!(books.counts(ContractItems, &flat), (1, 0, 0));
        for (column, value) in [("included", "5"), ("meter", "api"), ("package_size", "10")] {
            let text = format!("{head},unit_price,{column}\nacme,care,desks,Desks,50,{value}\n");
            let of_plan = "plan_id,version,item_id,description,unit_price";
            let of_plan = format!("{of_plan},{column}\nbasic,2026-01-01,base,Base,49,{value}\n");
            for (kind, text) in [(ContractItems, text), (PlanItems, of_plan)] {
                let error = books.import(&[(kind, &text)]).expect_err("a flat price has none");
                let told: Vec<_> = error.problems.iter().map(|p| (p.line, p.field.as_str(), p.reason.as_str())).collect();
                assert_eq!(told, [(2, column, "an item of price_model flat has none: leave this empty")], "{kind}");
            }
        }
        let blank = format!("{head},unit_price,included,meter,package_size\nacme,care,desks,Desks,50,,,\n");
        assert_eq!(books.counts(ContractItems, &blank), (0, 0, 1));
    });
}

#[test]
fn tiers_of_an_item_stand_and_change_together() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let draft = books.invoice("2026-01-01", "2026-02-01", Draft);
        with_calls(&mut books);
        assert_eq!(tiers(&mut books), ["2026-01-01 100:0.10:0 *:0.05:20"]);
        assert!(books.was_marked(&draft));
        assert_eq!(books.counts(PriceTiers, TIERS), (0, 0, 2));
        assert_eq!(books.counts(ContractItems, CALLS), (0, 0, 1), "the item keeps its tiers");
        assert!(!books.was_marked(&draft));

        // A tier that is left out is gone: the file has the whole set.
        let one = "company_id,contract_id,item_id,up_to,unit_price\nacme,care,calls,,0.08\n";
        assert_eq!(books.counts(PriceTiers, one), (0, 1, 0));
        assert_eq!(tiers(&mut books), ["2026-01-01 *:0.08:0"]);
        assert!(books.was_marked(&draft));
        // From a day on, beside what holds until then; and after an issue from the first open period.
        let later = TIERS.replace(",calls,,", ",calls,2026-03-15,");
        assert_eq!(books.counts(PriceTiers, &later), (2, 0, 0));
        assert_eq!(tiers(&mut books), ["2026-01-01 *:0.08:0", "2026-03-15 100:0.10:0 *:0.05:20"]);
    });
    each_engine(|db| {
        let mut books = Books::new(db);
        with_calls(&mut books);
        books.invoice("2026-01-01", "2026-02-01", Open);
        let dearer = TIERS.replace("0.10", "0.20");
        assert_eq!(books.counts(PriceTiers, &dearer), (0, 2, 0));
        assert_eq!(tiers(&mut books), ["2026-01-01 100:0.10:0 *:0.05:20", "2026-02-01 100:0.20:0 *:0.05:20"]);
        let told = books.told(PriceTiers, &dearer.replace(",calls,,", ",calls,2026-01-15,"));
        assert!(told.starts_with("valid_from: service until 2026-02-01"), "{told}");
    });
}

#[test]
fn tiers_that_cannot_be_are_told() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let told = books.told(ContractItems, CALLS);
        assert!(told.starts_with("price_model: its prices are in tiers, and it has none"), "{told}");
        let head = "company_id,contract_id,item_id,up_to,unit_price\n";
        let told = books.told(PriceTiers, &format!("{head}acme,care,seats,,1\n"));
        assert!(told.starts_with("item_id: this item's price_model is per_unit"), "{told}");
        let told = books.told(PriceTiers, &format!("{head}acme,care,none,,1\n"));
        assert!(told.starts_with("item_id: the contract has no item of its own by this id"), "{told}");
        with_calls(&mut books);
        let told = books.told(PriceTiers, &format!("{head}acme,care,calls,10,1\n"));
        assert!(told.starts_with("up_to: the last tier needs an empty up_to"), "{told}");
        let apart = format!("{head}acme,care,calls,,1\nacme,care,other,,1\nacme,care,calls,10,1\n");
        assert!(books.told(PriceTiers, &apart).contains("the tiers of this item stand further up already"));
        // A model without tiers loses them.
        let flat = "company_id,contract_id,item_id,description,price_model,unit_price\nacme,care,calls,Calls,flat,9\n";
        assert_eq!(books.counts(ContractItems, flat), (0, 1, 0));
        assert_eq!(tiers(&mut books), Vec::<String>::new());
    });
}

/// A flat price is billed once: what an item had before is not kept for another day.
#[test]
fn an_item_that_becomes_flat_has_no_quantity() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let head = "company_id,contract_id,item_id,description,price_model";
        let desks = format!("{head},quantity,unit_price\nacme,care,desks,Desks,per_unit,12,5\n");
        assert_eq!(books.counts(ContractItems, &desks), (1, 0, 0));
        let flat = format!("{head},unit_price\nacme,care,desks,Desks,flat,50\n");
        assert_eq!(books.counts(ContractItems, &flat), (0, 1, 0));
        let found = books.read(|tx| contracts::items(tx, &company(), &contract()));
        let desks = found.iter().find(|item| item.item_id.as_str() == "desks").unwrap();
        assert_eq!((desks.price_model, desks.quantity), (PriceModel::Flat, Decimal::ONE));
        assert_eq!(books.counts(ContractItems, &flat), (0, 0, 1));
    });
}

/// A quantity that would be billed once all the same is told, though the model stands in the database and not in the file.
#[test]
fn a_quantity_of_what_is_flat_already_is_refused() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_plan(&mut books);
        let head = "company_id,contract_id,item_id,description";
        let flat = format!("{head},price_model,unit_price\nacme,care,desks,Desks,flat,50\n");
        assert_eq!(books.counts(ContractItems, &flat), (1, 0, 0));
        let with = |quantity: &str| format!("{head},unit_price,quantity\nacme,care,desks,Desks,50,{quantity}\n");
        let of_plan = |quantity: &str| {
            let head = "plan_id,version,item_id,description,unit_price,quantity";
            format!("{head}\nbasic,2026-01-01,base,Base,49,{quantity}\n")
        };
        for (kind, text) in [(ContractItems, with("5")), (PlanItems, of_plan("5"))] {
            let error = books.import(&[(kind, &text)]).expect_err("a flat price has no quantity");
            let places: Vec<_> = error.problems.iter().map(|p| (p.line, p.column, p.field.as_str())).collect();
            assert_eq!(places, [(2, text.lines().next_back().unwrap().len() as u64, "quantity")], "{kind}");
            assert!(error.problems[0].reason.starts_with("a flat price is billed once, whatever the quantity"), "{kind}");
        }
        for quantity in ["", "1", "1.0"] {
            assert_eq!(books.counts(ContractItems, &with(quantity)), (0, 0, 1), "{quantity}");
            assert_eq!(books.counts(PlanItems, &of_plan(quantity)), (0, 0, 1), "{quantity}");
        }
        // From another day on, and as another model.
        let later = format!("{head},valid_from,quantity\nacme,care,desks,Desks,2026-03-01,5\n");
        assert!(books.told(ContractItems, &later).starts_with("quantity: a flat price is billed once"));
        let seats = format!("{head},price_model,quantity\nacme,care,desks,Desks,per_unit,5\n");
        assert_eq!(books.counts(ContractItems, &seats), (0, 1, 0));
    });
}

#[test]
fn very_many_tiers_go_over_chunks() {
    each_engine(|db| {
        let mut books = Books::new(db);
        books.import(&[(ContractItems, CALLS), (PriceTiers, TIERS)]).unwrap();
        let rows: String = (1..=1500).map(|n| format!("acme,care,calls,{n},0.{n:04}\n")).collect();
        let text = format!("company_id,contract_id,item_id,up_to,unit_price\n{rows}acme,care,calls,,0\n");
        assert_eq!(books.counts(PriceTiers, &text), (0, 1501, 0));
        assert_eq!(tiers(&mut books)[0].split(' ').count(), 1502);
    });
}

#[test]
fn a_contract_keeps_its_version_until_it_is_moved() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_plan(&mut books);
        let on = |books: &mut Books| {
            let rows = books.read(|tx| plans::of_companies(tx, &["acme"], ("care", "care")));
            let told = |row: &finops::model::ContractPlan| {
                format!("{} {:?}", row.valid_from, row.plan.as_ref().map(|(plan, version)| format!("{plan} {version}")))
            };
            rows.iter().map(told).collect::<Vec<_>>()
        };
        assert_eq!(on(&mut books), ["2026-01-01 Some(\"basic 2026-01-01\")"]);
        assert_eq!(books.counts(ContractPlans, ON_PLAN), (0, 0, 1));
        books.invoice("2026-06-01", "2026-07-01", Open);
        assert_eq!(books.counts(ContractPlans, ON_PLAN), (0, 0, 1), "a newer version is offered, and it stays");
        let moved = "company_id,contract_id,plan_id,version\nacme,care,basic,2026-07-01\n";
        assert_eq!(books.counts(ContractPlans, moved), (1, 0, 0));
        assert_eq!(on(&mut books)[1], "2026-07-01 Some(\"basic 2026-07-01\")");
        assert_eq!(books.counts(ContractPlans, moved), (0, 0, 1));
        let off = "company_id,contract_id,valid_from,plan_id\nacme,care,2026-09-01,\n";
        assert_eq!(books.counts(ContractPlans, off), (1, 0, 0));
        for (row, told) in [
            ("acme,care,2026-06-15,basic,2026-07-01", "valid_from: service until 2026-07-01"),
            ("acme,care,2026-08-01,swiss,2026-01-01", "plan_id: this plan is in CHF, and the contract is in EUR"),
            ("acme,care,2026-08-01,basic,2026-02-01", "version: there is no such row among the plans"),
            ("acme,care,2026-08-01,none,", "plan_id: no version of this plan is offered"),
        ] {
            let found = books.told(ContractPlans, &format!("company_id,contract_id,valid_from,plan_id,version\n{row}\n"));
            assert!(found.starts_with(told), "{row}: {found}");
        }
    });
}

#[test]
fn a_contract_and_its_plan_stay_in_one_currency() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_plan(&mut books);
        let told = books.told(Plans, "plan_id,valid_from,name,currency\nbasic,2026-01-01,Basic,USD\n");
        assert!(told.starts_with("currency: contract care of company acme is on this version"), "{told}");
        let dollars = crate::support::CONTRACTS.replace("EUR", "USD");
        let told = books.told(finops::import::Kind::Contracts, &dollars);
        assert!(told.starts_with("currency: this is EUR and the contract is on a plan in it"), "{told}");
    });
}

#[test]
fn a_price_list_changes_until_service_of_it_is_issued() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_plan(&mut books);
        let draft = books.invoice("2026-01-01", "2026-02-01", Draft);
        let dearer = "plan_id,version,item_id,description,price_model,unit_price\nbasic,2026-01-01,base,Base,flat,50\n";
        assert_eq!(books.counts(PlanItems, dearer), (0, 1, 0));
        assert!(books.was_marked(&draft));
        let tier = "plan_id,version,item_id,up_to,unit_price\nbasic,2026-01-01,gb,,0.3\n";
        assert_eq!(books.counts(PlanTiers, tier), (0, 1, 0));
        assert!(books.was_marked(&draft));
        assert_eq!(books.counts(PlanTiers, tier), (0, 0, 1));
        let untouched = "plan_id,version,item_id,description,price_model,unit_price\nbasic,2026-07-01,base,Base,flat,60\n";
        assert_eq!(books.counts(PlanItems, untouched), (0, 1, 0));
        assert!(!books.was_marked(&draft), "no contract is on that version");

        books.invoice("2026-02-01", "2026-03-01", Open);
        let told = books.told(PlanItems, &dearer.replace(",50", ",51"));
        assert!(told.contains("service of this version is issued (contract care of company acme)"), "{told}");
        assert!(books.told(PlanTiers, &tier.replace("0.3", "0.4")).contains("import a new version"));
        assert_eq!(books.counts(PlanItems, dearer), (0, 0, 1));
        assert_eq!(books.counts(PlanItems, &untouched.replace(",60", ",61")), (0, 1, 0));
    });
}

#[test]
fn a_discount_that_is_issued_only_goes_on_or_ends() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let draft = books.invoice("2026-01-01", "2026-02-01", Draft);
        let off = |periods: &str, percent: &str| {
            format!("company_id,contract_id,discount_id,percent,periods,description\nacme,care,off,{percent},{periods},Off\n")
        };
        assert_eq!(books.counts(Discounts, &off("6", "10")), (1, 0, 0));
        assert!(books.was_marked(&draft));
        assert_eq!(books.counts(Discounts, &off("6", "10")), (0, 0, 1));
        assert_eq!(books.counts(Discounts, &off("6", "20")), (0, 1, 0), "nothing is issued yet");
        assert!(books.was_marked(&draft));
        books.invoice("2026-02-01", "2026-03-01", Open);
        books.invoice("2026-03-01", "2026-04-01", Open);
        assert!(books.told(Discounts, &off("6", "30")).starts_with("discount_id: service before 2026-04-01 is issued"));
        assert!(books.told(Discounts, &off("2", "20")).contains("3 of its periods are"));
        assert_eq!(books.counts(Discounts, &off("3", "20")), (0, 1, 0), "it ends with what is issued");
        assert_eq!(books.counts(Discounts, &off("", "20")), (0, 1, 0), "it goes on for ever");
        let new = "company_id,contract_id,discount_id,amount,valid_from,description\n";
        let told = books.told(Discounts, &format!("{new}acme,care,new,5,2026-03-31,New\n"));
        assert!(told.starts_with("valid_from: service before 2026-04-01"), "{told}");
        assert_eq!(books.counts(Discounts, &format!("{new}acme,care,new,5,,New\n")), (1, 0, 0));
        let stored = books.read(|tx| usage::discounts_of_companies(tx, &["acme"], ("care", "care")));
        assert_eq!(stored[0].valid_from.to_string(), "2026-04-01");
        let item = "company_id,contract_id,discount_id,item_id,amount,description\nacme,care,x,none,5,X\n";
        assert!(books.told(Discounts, item).starts_with("item_id: the contract has no such item"));
        let nothing = "company_id,contract_id,discount_id,description\nacme,care,y,Y\n";
        assert!(books.told(Discounts, nothing).starts_with("percent: write what is taken off"));
    });
}

#[test]
fn usage_is_counted_once_and_not_after_it_is_issued() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_calls(&mut books);
        books.invoice("2026-01-01", "2026-02-01", Open);
        let draft = books.invoice("2026-02-01", "2026-03-01", Draft);
        let january = used(&[("a", "api", "2026-01-31", "100"), ("b", "api", "2026-01-31", "1.5")]);
        assert_eq!(books.counts(Usage, &january), (2, 0, 0), "January's is billed with February");
        assert!(books.was_marked(&draft));
        assert_eq!(books.counts(Usage, &january), (0, 0, 2));
        assert!(!books.was_marked(&draft));
        assert_eq!(books.counts(Usage, &used(&[("b", "api", "2026-01-30", "2.5")])), (0, 1, 0));
        assert!(books.was_marked(&draft));
        let days = books.read(|tx| usage::of_contract(tx, &company(), &contract(), "2026-01-30".parse().unwrap()));
        assert_eq!(
            days.iter().map(|d| format!("{} {}", d.on, d.quantity)).collect::<Vec<_>>(),
            ["2026-01-30 2.5", "2026-01-31 100"]
        );

        books.invoice("2026-03-01", "2026-04-01", Open);
        let told = books.told(Usage, &used(&[("c", "api", "2026-02-28", "1")]));
        assert!(told.starts_with("used_on: the usage of 2026-02-01 to 2026-02-28 is issued already"), "{told}");
        assert_eq!(books.counts(Usage, &used(&[("c", "api", "2026-03-01", "1")])), (1, 0, 0));
        let april = books.invoice("2026-04-01", "2026-05-01", Open);
        assert!(books.told(Usage, &used(&[("c", "api", "2026-03-01", "2")])).contains("2026-03-01 to 2026-03-31 is issued"));
        let moved = books.told(Usage, &used(&[("c", "api", "2026-04-02", "1")]));
        assert!(moved.contains("is issued already"), "nor moved out of it: {moved}");
        let void = |tx: &mut finops::store::Tx| invoices::set_state(tx, &company(), &april, Open, Void);
        assert!(books.db.write(void).unwrap());
        assert_eq!(books.counts(Usage, &used(&[("c", "api", "2026-03-01", "2")])), (0, 1, 0), "regenerate bills it anew");
        assert!(books.told(Usage, &used(&[("d", "gb", "2026-03-05", "1")])).starts_with("meter: no item of the contract"));
        assert!(books.told(Usage, &used(&[("d", "api", "2025-12-31", "1")])).starts_with("used_on: the contract is served from"));
    });
}

/// Usage that no item would bill is told; what is free by agreement is taken.
#[test]
fn usage_belongs_to_a_day_on_which_an_item_has_its_meter() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let head = "company_id,contract_id,item_id,valid_from,end,description,price_model,unit_price,meter\n";
        let items = format!(
            "{head}acme,care,calls,2026-01-10,,Calls,per_unit,0.10,api\nacme,care,calls,2026-03-01,,Calls,per_unit,0.10,web\n\
             acme,care,disk,2026-01-01,2026-02-01,Disk,per_unit,1,gb\n"
        );
        books.import(&[(finops::import::Kind::ContractItems, &items)]).unwrap();
        for (meter, day, told) in [
            ("api", "2026-01-09", "has the meter api before 2026-01-10"),
            ("api", "2026-03-01", "has the meter api any more on that day"),
            ("web", "2026-02-28", "has the meter web before 2026-03-01"),
            ("gb", "2026-02-01", "has the meter gb any more on that day"),
        ] {
            let said = books.told(Usage, &used(&[("a", meter, day, "1")]));
            assert!(said.starts_with("used_on: no item of the contract") && said.contains(told), "{said}");
        }
        let fine = [("a", "api", "2026-01-10", "1"), ("b", "api", "2026-02-28", "1"), ("c", "web", "2026-03-01", "1")];
        assert_eq!(books.counts(Usage, &used(&fine)), (3, 0, 0));
        let contract = "company_id,contract_id,seller_id,currency,cadence,timing,start,trial_end\n\
                        acme,care,de,EUR,monthly,advance,2026-01-01,2026-01-08\n";
        books.import(&[(finops::import::Kind::Contracts, contract)]).unwrap();
        assert_eq!(books.counts(Usage, &used(&[("d", "api", "2026-01-07", "1")])), (1, 0, 0), "a trial is free");
    });
}

#[test]
fn usage_that_comes_late_opens_the_closing_period_again() {
    each_engine(|db| {
        let mut books = Books::new(db);
        with_calls(&mut books);
        let ended = "company_id,contract_id,seller_id,currency,cadence,timing,start,end\n\
                     acme,care,de,EUR,monthly,advance,2026-01-01,2026-02-01\n";
        books.import(&[(finops::import::Kind::Contracts, ended)]).unwrap();
        books.invoice("2026-01-01", "2026-02-01", Open);
        // Passed over by the job, since nothing was used.
        let (next, revision) = books.read(|tx| billing::schedule(tx, &company(), &contract())).unwrap();
        assert_eq!(next.map(|next| next.start.to_string()).as_deref(), Some("2026-01-01"), "made by hand, it is not moved");
        let change = billing::ScheduleChange { company_id: company(), contract_id: contract(), next: None, revision };
        books.db.write(|tx| billing::move_schedules(tx, std::slice::from_ref(&change))).unwrap();
        assert_eq!(books.counts(Usage, &used(&[("a", "api", "2026-01-31", "5")])), (1, 0, 0));
        assert_eq!(books.schedule().0.map(|day| day.to_string()).as_deref(), Some("2026-02-01"));
    });
}
