//! A random business, the same for the same seed: as CSV for `finops`, and as values to compute with.

use chrono::{Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

pub const CURRENCIES: [(&str, u32); 3] = [("EUR", 2), ("JPY", 0), ("KWD", 3)];

/// Decimals of a quantity.
pub const QUANTITY_DECIMALS: u32 = 3;
/// Decimals of a unit price.
pub const PRICE_DECIMALS: u32 = 6;

/// (code, valid from, category, thousandths of a percent). Two codes share a category and a rate.
const RATES: [(&str, &str, &str, i128); 7] = [
    ("standard", "2007-01-01", "S", 19_000),
    ("other", "2007-01-01", "S", 19_000),
    ("reduced", "2007-01-01", "S", 7_000),
    ("reduced", "2026-10-16", "S", 8_875),
    ("odd", "2007-01-01", "S", 5_500),
    ("zero", "2007-01-01", "Z", 0),
    ("reverse", "2007-01-01", "AE", 0),
];
const CODES: [&str; 6] = ["standard", "other", "reduced", "odd", "zero", "reverse"];

/// Something with a price: a contract item's version, or a billable item.
pub struct Priced {
    pub id: String,
    /// The first day on which it holds; a billable item's date.
    pub from: NaiveDate,
    /// The first on which it no longer does.
    pub until: Option<NaiveDate>,
    pub flat: bool,
    /// In thousandths.
    pub quantity: i128,
    /// In millionths.
    pub price: i128,
    pub code: &'static str,
}

/// The days that are billed, and the whole that they are a part of.
#[derive(Clone, Copy)]
pub struct Billed {
    pub start: NaiveDate,
    pub end: NaiveDate,
    pub of_days: i128,
}

pub struct Contract {
    pub currency: &'static str,
    pub inclusive: bool,
    cadence: &'static str,
    timing: &'static str,
    anchor: &'static str,
    start: NaiveDate,
    end: Option<NaiveDate>,
    pub periods: Vec<Billed>,
    pub items: Vec<Priced>,
    pub billables: Vec<Priced>,
}

/// One contract a company.
pub struct Business {
    pub contracts: BTreeMap<String, Contract>,
}

/// xorshift64* (Vigna 2016): random enough for cases, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// From 0 to n - 1.
    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).unwrap()]
    }

    /// Below a small number, as an exponent takes it.
    fn power(&mut self, n: u32) -> u32 {
        u32::try_from(self.below(u64::from(n))).unwrap()
    }

    fn october(&mut self, from: u64, to: u64) -> NaiveDate {
        day("2026-10-01") + Days::new(from - 1 + self.below(to - from + 1))
    }

    /// Numbers of all sizes, with as many decimals as there may be or fewer: ties are common.
    fn number(&mut self, decimals: u32, digits: u32) -> i128 {
        let size = 10_u64.pow(1 + self.power(digits));
        let coarse = 10_i128.pow(self.power(decimals + 1));
        let halves = if self.below(4) == 0 { 5 } else { 1 };
        i128::from(self.below(size)) * coarse * halves
    }
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// `-12.500` from -12500 thousandths.
fn decimal(value: i128, decimals: u32) -> String {
    let one = 10_i128.pow(decimals);
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / one, value.abs() % one);
    format!("{sign}{whole}.{rest:0>width$}", width = decimals as usize)
}

fn priced(random: &mut Random, id: String, from: NaiveDate) -> Priced {
    let sign = if random.below(6) == 0 { -1 } else { 1 };
    Priced {
        id,
        from,
        until: None,
        flat: random.below(5) == 0,
        quantity: random.number(QUANTITY_DECIMALS, 7),
        price: sign * random.number(PRICE_DECIMALS, 8),
        code: random.one_of(&CODES),
    }
}

impl Contract {
    /// The days, and how they come about.
    fn generate(random: &mut Random) -> Self {
        let billed = |start, end, of_days| Billed { start, end, of_days };
        let (october, november) = (day("2026-10-01"), day("2026-11-01"));
        let whole = billed(october, november, 31);
        let (cadence, timing, anchor, start, end, periods) = match random.below(6) {
            0 => ("monthly", "advance", "", october, None, vec![whole]),
            // From the middle of a month.
            1 => {
                let start = random.october(2, 31);
                ("monthly", "advance", "1", start, None, vec![billed(start, november, 31)])
            }
            // And to the middle of it.
            2 => {
                let (start, end) = (random.october(1, 12), random.october(13, 31));
                ("monthly", "arrears", "1", start, Some(end), vec![billed(start, end, 31)])
            }
            // A month was missed.
            3 => {
                let start = day("2026-09-02") + Days::new(random.below(28));
                ("monthly", "advance", "1", start, None, vec![billed(start, october, 30), whole])
            }
            4 => {
                let (start, end) = (day("2026-10-26"), random.october(27, 31));
                ("weekly", "advance", "", start, Some(end), vec![billed(start, end, 7)])
            }
            _ => ("yearly", "advance", "", october, None, vec![billed(october, day("2027-10-01"), 365)]),
        };
        let mut contract = Self {
            currency: random.one_of(&CURRENCIES).0,
            inclusive: random.below(2) == 0,
            cadence,
            timing,
            anchor,
            start,
            end,
            periods,
            items: Vec::new(),
            billables: Vec::new(),
        };
        contract.fill(random);
        contract
    }

    fn fill(&mut self, random: &mut Random) {
        for n in 0..=random.below(5) {
            let mut item = priced(random, format!("item-{n}"), self.start);
            let first = self.start == item.from && n == 0;
            let change = random.october(2, 31).max(self.start + Days::new(1));
            match random.below(5) {
                // Another quantity or price from a day on.
                0 => {
                    let next = priced(random, item.id.clone(), change);
                    item.until = Some(change);
                    self.items.extend([item, next]);
                    continue;
                }
                1 if !first => item.until = Some(change),
                2 if !first => item.from = change,
                _ => {}
            }
            self.items.push(item);
        }
        for n in 0..random.below(3) {
            let on = self.start;
            self.billables.push(Priced { flat: false, ..priced(random, format!("ticket:{n}"), on) });
        }
    }
}

impl Business {
    pub fn generate(seed: u64, companies: usize) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let contracts = (0..companies).map(|n| (format!("c{n:05}"), Contract::generate(&mut random)));
        Self { contracts: contracts.collect() }
    }

    /// The category and the rate (thousandths of a percent) of a code on a day.
    pub fn rate(code: &str, on: NaiveDate) -> (&'static str, i128) {
        let in_force = RATES.iter().rfind(|rate| rate.0 == code && day(rate.1) <= on).unwrap();
        (in_force.2, in_force.3)
    }

    /// (company, first day of the period) of every invoice that there must be.
    pub fn invoices(&self) -> BTreeSet<(String, NaiveDate)> {
        let of = |(company, contract): (&String, &Contract)| -> Vec<(String, NaiveDate)> {
            contract.periods.iter().map(|period| (company.clone(), period.start)).collect()
        };
        self.contracts.iter().flat_map(of).collect()
    }

    pub fn billable_items(&self) -> usize {
        self.contracts.values().map(|c| c.billables.len()).sum()
    }

    pub fn files(&self) -> [(&'static str, String); 6] {
        let mut rates = "seller_id,tax_code,valid_from,category,rate,name,note\n".to_owned();
        for (code, from, category, rate) in RATES {
            rates.push_str(&format!("nordlicht,{code},{from},{category},{},Tax {code},By law\n", decimal(rate, 3)));
        }
        let sellers = "seller_id,name,address_line1,postal_code,city,country,time_zone,language,payment_terms_days,number_format,tax_code\n\
             nordlicht,Nordlicht GmbH,Weg 1,10245,Berlin,DE,Europe/Berlin,en,14,INV-{year}-{seq:06},standard\n";
        let mut companies = "company_id,name,address_line1,postal_code,city,country,tax_id\n".to_owned();
        let mut contracts =
            "company_id,contract_id,seller_id,currency,cadence,timing,anchor_day,start,end,tax_inclusive\n".to_owned();
        let mut items =
            "company_id,contract_id,item_id,valid_from,end,description,price_model,quantity,unit_price,tax_code\n".to_owned();
        let mut billables =
            "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_inclusive,tax_code\n".to_owned();
        for (company, c) in &self.contracts {
            let Contract { currency, cadence, timing, anchor, start, .. } = c;
            let (end, inclusive) = (c.end.map(|d| d.to_string()).unwrap_or_default(), if c.inclusive { "yes" } else { "no" });
            companies.push_str(&format!("{company},Company {company},Weg 2,10115,Berlin,DE,DE000000011\n"));
            contracts.push_str(&format!(
                "{company},main,nordlicht,{currency},{cadence},{timing},{anchor},{start},{end},{inclusive}\n"
            ));
            let numbers = |p: &Priced| (decimal(p.quantity, QUANTITY_DECIMALS), decimal(p.price, PRICE_DECIMALS));
            for p in &c.items {
                let (quantity, price) = numbers(p);
                let (model, quantity) = if p.flat { ("flat", String::new()) } else { ("per_unit", quantity) };
                let until = p.until.map(|d| d.to_string()).unwrap_or_default();
                items.push_str(&format!(
                    "{company},main,{},{},{until},Item,{model},{quantity},{price},{}\n",
                    p.id, p.from, p.code
                ));
            }
            for p in &c.billables {
                let (quantity, price) = numbers(p);
                billables.push_str(&format!(
                    "{company},{},nordlicht,{currency},{},Work,{quantity},{price},{inclusive},{}\n",
                    p.id, p.from, p.code
                ));
            }
        }
        [
            ("sellers", sellers.to_owned()),
            ("tax_rates", rates),
            ("companies", companies),
            ("contracts", contracts),
            ("contract_items", items),
            ("billable_items", billables),
        ]
    }
}
