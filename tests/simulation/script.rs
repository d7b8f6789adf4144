//! What happens to a business in a year, by its seed: who it bills, for what, and what its people do
//! on which day. The same for the undisturbed year and for the one with faults.

use crate::prices::{self, ITEMS, Prices};
use crate::random::Random;
use chrono::{Datelike, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use finops::import::Kind;
use std::collections::BTreeMap;

/// Zones with all that makes a day odd: far ahead, far behind, half hours, changes of clocks at
/// midnight, by half an hour, in winter, and none.
const ZONES: [&str; 12] = [
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "UTC",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Santiago",
    "Asia/Beirut",
];

const CURRENCIES: [&str; 5] = ["EUR", "USD", "JPY", "KWD", "CLF"];

/// First days; most of these years have a 29 February in them.
const STARTS: [&str; 6] = ["2026-11-01", "2027-02-15", "2027-03-01", "2027-06-30", "2027-10-31", "2028-01-01"];

pub struct Script {
    pub first: NaiveDate,
    pub days: u32,
    /// The zone of the machine, in which cron runs.
    pub zone: Tz,
    /// What is imported before the first day.
    pub files: Vec<(Kind, String)>,
    pub acts: BTreeMap<NaiveDate, Vec<Act>>,
    /// Nights that may go wrong until the next day: nobody acts in them, nor on the day after.
    pub bad_nights: Vec<NaiveDate>,
}

/// What a person does on a day.
pub struct Act {
    /// Between the jobs of the night, while there are drafts; else after them.
    pub at_night: bool,
    pub what: What,
}

pub enum What {
    /// Files, all or nothing; a refusal is in order, and must be the same in both years.
    Import(Vec<(Kind, String)>),
    /// `invoices generate --yes`.
    BillMissed,
    /// The n-th invoice that may be voided (modulo their number).
    Void { nth: u64, regenerate: bool },
    /// The n-th draft.
    Delete { nth: u64 },
    /// A part of the n-th open invoice, in percent of its total; `capped`: no more than is owed.
    Pay { nth: u64, percent: i64, capped: bool },
    /// A part of what is left of the n-th invoice, in percent; 0: its first line. `capped`: of an open one,
    /// and no more than is owed.
    Credit { nth: u64, percent: i64, capped: bool },
    /// All that the n-th company that has credit has, with one seller in one currency.
    Refund { nth: u64 },
    /// The n-th open invoice is written off.
    WriteOff { nth: u64 },
    /// The first line of the n-th draft gets another quantity, and another line comes to it.
    Edit { nth: u64, quantity: u64 },
}

struct Seller {
    id: String,
    currency: &'static str,
}

struct Agreed {
    company: String,
    contract: String,
    seller: usize,
    currency: &'static str,
    /// `cadence,timing,start`
    terms: String,
}

/// Makes it up.
struct Author {
    random: Random,
    first: NaiveDate,
    sellers: Vec<Seller>,
    companies: Vec<String>,
    contracts: Vec<Agreed>,
    /// Contracts of which usage is billed.
    metered: Vec<(String, String)>,
    items: u32,
    /// Nobody is ever given credit. Which invoice uses it up depends on the nights on which they are
    /// issued, so that two years that are late on other nights would not be alike.
    no_credit: bool,
}

impl Script {
    /// `late`: with nights that go wrong until the next day.
    pub fn of(seed: u64, days: u32, late: bool) -> Self {
        let mut random = Random::of(seed, "script");
        let first: NaiveDate = random.pick(&STARTS).parse().unwrap();
        let zone = random.pick(&ZONES).parse().unwrap();
        let mut author = Author {
            random,
            first,
            sellers: Vec::new(),
            companies: Vec::new(),
            contracts: Vec::new(),
            metered: Vec::new(),
            items: 0,
            no_credit: late,
        };
        let files = author.beginning();
        let bad_nights = if late { bad_nights(&mut Random::of(seed, "nights"), first, days) } else { Vec::new() };
        let mut acts: BTreeMap<NaiveDate, Vec<Act>> = BTreeMap::new();
        let is_calm = |day: NaiveDate| !bad_nights.iter().any(|bad| (0..2).contains(&(day - *bad).num_days()));
        // Somebody looks after what waits for a person, now and then and at the end.
        for offset in (1..days).step_by(30).chain([days]) {
            let day = first + TimeDelta::days(i64::from(offset));
            if is_calm(day) {
                acts.entry(day).or_default().push(Act { at_night: false, what: What::BillMissed });
            }
        }
        for offset in 1..days {
            let day = first + TimeDelta::days(i64::from(offset));
            if !is_calm(day) {
                continue;
            }
            for (at_night, what) in author.act(day) {
                acts.entry(day).or_default().push(Act { at_night, what });
            }
        }
        Self { first, days, zone, files, acts, bad_nights }
    }
}

/// Single nights and up to nine in a row; none among the last twelve.
fn bad_nights(random: &mut Random, first: NaiveDate, days: u32) -> Vec<NaiveDate> {
    let mut nights = Vec::new();
    let mut offset = random.between(2, 20);
    while offset + 22 < i64::from(days) {
        let length = if random.percent(50) { 1 } else { random.between(2, 9) };
        nights.extend((offset..offset + length).map(|n| first + TimeDelta::days(n)));
        offset += length + random.between(6, 40);
    }
    nights
}

impl Author {
    fn beginning(&mut self) -> Vec<(Kind, String)> {
        let mut sellers = "seller_id,name,country,time_zone,tax_code,series_id,number_format,payment_terms_days\n".to_owned();
        let mut rates = RATES.to_owned();
        for n in 0..self.random.between(1, 3) {
            let zone = *self.random.pick(&ZONES);
            let format = *self.random.pick(&["R-{year}-{seq:05}", "{seq}", "INV/{year}/{seq:03}"]);
            sellers.push_str(&format!("s{n},Seller {n},DE,{zone},standard,,{n}-{format},{}\n", self.random.pick(&[0, 14, 30])));
            for (code, rate) in [("standard", "19"), ("reduced", "7.5")] {
                rates.push_str(&format!("s{n},{code},2007-01-01,S,{rate},VAT {rate} %,\n"));
            }
            rates.push_str(&format!("s{n},export,2007-01-01,G,0,Export,Export outside the union\n"));
            let currency = *self.random.pick(&CURRENCIES);
            self.sellers.push(Seller { id: format!("s{n}"), currency });
        }
        let mut companies = COMPANIES.to_owned();
        let (mut contracts, mut prices) = (CONTRACTS.to_owned(), Prices::new());
        for _ in 0..self.random.between(3, 6) {
            companies.push_str(&self.company());
        }
        for _ in 0..self.random.between(4, 9) {
            let start = self.first + TimeDelta::days(self.random.between(-500, 200));
            self.contract(start, self.first, &mut contracts, &mut prices);
        }
        let mut files = vec![(Kind::Sellers, sellers), (Kind::TaxRates, rates)];
        files.extend(prices::plans(&CURRENCIES));
        files.extend([(Kind::Companies, companies), (Kind::Contracts, contracts)]);
        files.extend(prices.files());
        files.push((Kind::BillableItems, self.billable_items(self.first)));
        files
    }

    fn company(&mut self) -> String {
        let id = format!("c{}", self.companies.len());
        let consolidate = if self.random.percent(40) { "yes" } else { "no" };
        let billing_day = *self.random.pick(&[1, 1, 15, 29, 30, 31]);
        let code = if self.random.percent(15) { "export" } else { "" };
        // One in three is reminded; the others have no address, want no reminders, or have slow ones.
        let (email, policy) = match self.companies.len() % 6 {
            0 => ("a@c0.example", ""),
            1 => ("", ""),
            2 => ("a@c2.example", "none"),
            3 => ("a@c3.example", "slow"),
            4 => ("", "none"),
            _ => ("", "slow"),
        };
        let row = format!("{id},Company {id} é,AT,{consolidate},{billing_day},{code},{email},{policy}\n");
        self.companies.push(id);
        row
    }

    /// A contract with its items. `known_from`: what lay before is not billed here, but for a little.
    fn contract(&mut self, start: NaiveDate, known_from: NaiveDate, contracts: &mut String, prices: &mut Prices) {
        let random = &mut self.random;
        let company = random.pick(&self.companies).clone();
        let seller = usize::try_from(random.below(self.sellers.len() as u64)).unwrap();
        let currency = if random.percent(85) { self.sellers[seller].currency } else { *random.pick(&CURRENCIES) };
        let (cadence, every, anchor) = match random.below(20) {
            0..4 => ("weekly", *random.pick(&[1, 1, 2]), random.pick(&["", "1", "5", "7"])),
            4..13 => ("monthly", *random.pick(&[1, 1, 1, 2]), random.pick(&["", "", "1", "15", "29", "30", "31"])),
            13..17 => ("quarterly", 1, random.pick(&["", "1", "31"])),
            _ => ("yearly", 1, random.pick(&["", "1", "29"])),
        };
        let timing = *random.pick(&["advance", "arrears"]);
        // The month's ends are where the mistakes are.
        let start = if random.percent(30) { last_of_month(start) } else { start };
        let from =
            if start < known_from { (known_from + TimeDelta::days(random.between(-40, 10))).to_string() } else { String::new() };
        let end = if random.percent(25) {
            (start.max(known_from) + TimeDelta::days(random.between(1, 300))).to_string()
        } else {
            String::new()
        };
        let inclusive = if random.percent(20) { "yes" } else { "no" };
        let trial = if random.percent(15) { (start + TimeDelta::days(random.between(0, 60))).to_string() } else { String::new() };
        let contract = format!("k{}", self.contracts.len());
        let terms = format!("{cadence},{timing},{start}");
        let seller_id = &self.sellers[seller].id;
        contracts.push_str(&format!(
            "{company},{contract},{seller_id},{currency},{terms},{every},{anchor},{from},{end},{inclusive},{trial}\n"
        ));
        self.contracts.push(Agreed { company: company.clone(), contract: contract.clone(), seller, currency, terms });
        if prices.contract(&mut self.random, (&company, &contract, currency), known_from.max(start)) {
            self.metered.push((company, contract));
        }
    }

    fn price(&mut self) -> String {
        match self.random.below(4) {
            0 => self.random.between(1, 900).to_string(),
            1 => format!("{}.{:02}", self.random.between(0, 99), self.random.below(100)),
            2 => format!("{}.{:03}", self.random.between(0, 99), self.random.below(1000)),
            _ => format!("0.{:06}", self.random.between(1, 999_999)),
        }
    }

    fn billable_items(&mut self, day: NaiveDate) -> String {
        let mut text = BILLABLE.to_owned();
        for _ in 0..self.random.between(1, 3) {
            self.items += 1;
            let company = self.random.pick(&self.companies).clone();
            let seller = usize::try_from(self.random.below(self.sellers.len() as u64)).unwrap();
            let Seller { id, currency } = &self.sellers[seller];
            let (currency, id, key) = (*currency, id.clone(), self.items);
            let dated = day - TimeDelta::days(self.random.between(-3, 25));
            let price = self.price();
            let sign = if self.random.percent(15) && !self.no_credit { "-" } else { "" };
            text.push_str(&format!("{company},ticket:{key},{id},{currency},{dated},Work {key},1.5,{sign}{price}\n"));
        }
        text
    }

    /// What is done on a day, mostly nothing: (at night, what).
    fn act(&mut self, day: NaiveDate) -> Vec<(bool, What)> {
        let mut acts = Vec::new();
        let at_night = self.random.percent(25);
        let nth = self.random.next();
        match self.random.below(100) {
            0..8 => acts.push((at_night, What::Import(vec![(Kind::BillableItems, self.billable_items(day))]))),
            8..13 => acts.push((at_night, What::Import(vec![(Kind::ContractItems, self.new_price(day))]))),
            13..15 => acts.push((at_night, What::Import(vec![(Kind::Contracts, self.new_end(day))]))),
            15..17 => acts.push((false, self.new_contract(day))),
            17..18 => acts.push((false, What::Import(vec![(Kind::TaxRates, self.new_rate(day))]))),
            18..20 => {
                let companies = format!(
                    "company_id,name,country,consolidate\n{},Renamed {day},AT,{}\n",
                    self.random.pick(&self.companies).clone(),
                    self.random.pick(&["yes", "no"])
                );
                acts.push((at_night, What::Import(vec![(Kind::Companies, companies)])));
            }
            20..23 => acts.push((false, What::Void { nth, regenerate: self.random.percent(80) })),
            23..25 => acts.push((true, What::Delete { nth })),
            25..32 => {
                let percent = *self.random.pick(&[100, 100, 30, 150]);
                acts.push((false, What::Pay { nth, percent, capped: self.no_credit }));
            }
            32..37 => {
                let percent = *self.random.pick(&[100, 50, 7, 0]);
                acts.push((false, What::Credit { nth, percent, capped: self.no_credit }));
            }
            37..39 => acts.push((false, What::WriteOff { nth })),
            39..42 => acts.push((true, What::Edit { nth, quantity: self.random.below(20) })),
            42..43 => acts.push((false, What::Refund { nth })),
            43..53 => {
                acts.extend(prices::usage(&mut self.random, &self.metered, day).map(|file| (at_night, What::Import(vec![file]))));
            }
            53..56 => {
                let (company, contract) = self.some_contract();
                let file = prices::new_tiers(&mut self.random, (&company, &contract), day);
                acts.push((at_night, What::Import(vec![file])));
            }
            56..58 => {
                let (company, contract) = self.some_contract();
                let file = prices::new_plan(&mut self.random, (&company, &contract), &CURRENCIES);
                acts.push((at_night, What::Import(vec![file])));
            }
            _ => {}
        }
        acts
    }

    fn new_price(&mut self, day: NaiveDate) -> String {
        let (company, contract) = self.some_contract();
        let from = (day + TimeDelta::days(self.random.between(0, 45))).to_string();
        let from = if self.random.percent(40) { String::new() } else { from };
        let price = self.price();
        format!("{ITEMS}{company},{contract},i0,{from},,Item 0,per_unit,{},{price},,,,,\n", self.random.between(1, 9))
    }

    fn new_end(&mut self, day: NaiveDate) -> String {
        let end = day + TimeDelta::days(self.random.between(5, 60));
        let n = usize::try_from(self.random.below(self.contracts.len() as u64)).unwrap();
        let Agreed { company, contract, seller, currency, terms } = &self.contracts[n];
        let seller = &self.sellers[*seller].id;
        format!(
            "company_id,contract_id,seller_id,currency,cadence,timing,start,end\n{company},{contract},{seller},{currency},{terms},{end}\n"
        )
    }

    fn new_contract(&mut self, day: NaiveDate) -> What {
        let mut companies = COMPANIES.to_owned();
        if self.random.percent(50) {
            companies.push_str(&self.company());
        }
        let (mut contracts, mut prices) = (CONTRACTS.to_owned(), Prices::new());
        let start = day + TimeDelta::days(self.random.between(-40, 40));
        self.contract(start, day, &mut contracts, &mut prices);
        let mut files = vec![(Kind::Companies, companies), (Kind::Contracts, contracts)];
        files.extend(prices.files());
        What::Import(files)
    }

    fn new_rate(&mut self, day: NaiveDate) -> String {
        let seller = usize::try_from(self.random.below(self.sellers.len() as u64)).unwrap();
        let from = last_of_month(day + TimeDelta::days(25)) + TimeDelta::days(1);
        let rate = self.random.between(15, 25);
        format!("{RATES}{},standard,{from},S,{rate},VAT {rate} %,\n", self.sellers[seller].id)
    }

    fn some_contract(&mut self) -> (String, String) {
        let Agreed { company, contract, .. } = self.random.pick(&self.contracts);
        (company.clone(), contract.clone())
    }
}

fn last_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(u32::from(day.num_days_in_month())).expect("a last day")
}

const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name,note\n";
const COMPANIES: &str = "company_id,name,country,consolidate,billing_day,tax_code,email,reminder_policy\n";
const CONTRACTS: &str =
    "company_id,contract_id,seller_id,currency,cadence,timing,start,every,anchor_day,bill_from,end,tax_inclusive,trial_end\n";
const BILLABLE: &str = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price\n";
