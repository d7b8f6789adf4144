//! A small business with all that makes the main job hard: catch-up, advance and arrears, a month's
//! end, consolidation, items with and without a contract, two currencies, and a contract that fails.

use crate::oracle::{Alike, undisturbed_from};
use crate::stage::{Stage, told};
use crate::support::TestDb;
use finops::jobs::JobKind;

/// As of 2026-11-02 these have 3, 1, 1, 3, 1, 1, 2, 1 and 1 periods due; the last one fails.
const CONTRACTS: &str = "\
company_id,contract_id,seller_id,currency,cadence,timing,start
weber,managed,nordlicht,EUR,monthly,advance,2026-09-01
kaethe,a,nordlicht,EUR,monthly,arrears,2026-10-01
kaethe,b,nordlicht,EUR,monthly,advance,2026-11-01
oezdemir,end-of-month,nordlicht,EUR,monthly,advance,2026-08-31
elbe,network,nordlicht,EUR,monthly,advance,2026-10-12
elbe,phones,nordlicht,EUR,monthly,advance,2026-10-12
ocha,tea,nordlicht,JPY,monthly,advance,2026-10-01
Zürich,z,nordlicht,EUR,monthly,advance,2026-10-15
broken,no-rate,nordlicht,EUR,monthly,advance,2026-10-01
";

/// Billed periods of an undisturbed run.
pub const PERIODS: &str = "13";
/// Invoices of an undisturbed run: one a period, but `elbe` has one for its two; and one for the item of `alpen`.
pub const INVOICES: &str = "13";

pub const SELLERS: &str = "\
seller_id,name,address_line1,postal_code,city,country,iban,time_zone,language,payment_terms_days,number_format,tax_code
nordlicht,Nordlicht GmbH,Hafenstraße 12,10245,Berlin,DE,DE89 3704 0044 0532 0130 00,Europe/Berlin,en,14,INV-{year}-{seq:06},standard
";

const TAX_RATES: &str = "\
seller_id,tax_code,valid_from,category,rate,name,note
nordlicht,standard,2007-01-01,S,19,VAT 19 %,
";

pub const BILLABLE_ITEMS: &str = "\
company_id,source_key,seller_id,currency,dated,description,quantity,unit,unit_price
weber,ticket:1,nordlicht,EUR,2026-10-06,Work,1.5,hour,95.01
weber,ticket:2,nordlicht,EUR,2026-10-06,Work,1.5,hour,95.01
alpen,order:1,nordlicht,EUR,2026-10-06,Work,1.5,hour,95.01
";

pub const COMPANIES: &str = "\
company_id,name,address_line1,postal_code,city,country,consolidate,email,delivery
weber,Söhne KG,Weg 2,10115,Berlin,DE,,ap@weber.example,
kaethe,Söhne KG,Weg 2,10115,Berlin,DE,,ap@kaethe.example,
oezdemir,Söhne KG,Weg 2,10115,Berlin,DE,,ap@oezdemir.example,
elbe,Söhne KG,Weg 2,10115,Berlin,DE,yes,ap@elbe.example,
ocha,Söhne KG,Weg 2,10115,Berlin,DE,,,none
Zürich,Söhne KG,Weg 2,10115,Berlin,DE,,ap@zuerich.example,
broken,Söhne KG,Weg 2,10115,Berlin,DE,,ap@broken.example,
alpen,Söhne KG,Weg 2,10115,Berlin,DE,,ap@alpen.example,
";

/// Two items a contract.
fn contract_items() -> String {
    let mut text = "company_id,contract_id,item_id,description,price_model,quantity,unit,unit_price,tax_code\n".to_owned();
    for contract in CONTRACTS.lines().skip(1) {
        let (ids, tax_code) = (contract.splitn(3, ',').take(2).collect::<Vec<_>>().join(","), contract.strip_prefix("broken"));
        let tax_code = tax_code.map_or("", |_| "unknown");
        for (item, price) in [("seats", "39.905"), ("devices", "0.333")] {
            text.push_str(&format!("{ids},{item},Item {item},per_unit,7,seat,{price},{tax_code}\n"));
        }
    }
    text
}

/// The rows so many times over, each time with companies of other names (they come first in a row).
fn times(table: &str, times: usize) -> String {
    let (header, rows) = table.split_once('\n').unwrap();
    let rename =
        |n: usize| move |row: &str| if n == 0 { format!("{row}\n") } else { row.replacen(',', &format!("-{n},"), 1) + "\n" };
    let rows: String = (0..times).flat_map(|n| rows.lines().map(rename(n))).collect();
    format!("{header}\n{rows}")
}

fn issued_so_long_ago(stage: &mut Stage, days: i64) {
    for job in [JobKind::InvoicesGenerate, JobKind::InvoicesIssue, JobKind::InvoicesSend] {
        stage.run(job);
    }
    stage.days_later(days);
}

/// Takes the night to where a job has work to do, in each of its four steps if it has them. A new
/// job says here what must have gone before it.
pub fn until_due(stage: &mut Stage, job: JobKind) {
    match job {
        JobKind::InvoicesGenerate => {}
        JobKind::InvoicesIssue => drop(stage.run(JobKind::InvoicesGenerate)),
        JobKind::InvoicesSend | JobKind::AlertsDispatch => {
            stage.run(JobKind::InvoicesGenerate);
            stage.run(JobKind::InvoicesIssue);
        }
        // Payable within 14 days; they fall due while the next month's are not yet.
        JobKind::RemindersUpcoming => issued_so_long_ago(stage, 7),
        JobKind::RemindersOverdue => issued_so_long_ago(stage, 15),
        // One step after the other, each as far from the one before as the policy has it.
        JobKind::RemindersEscalation => {
            issued_so_long_ago(stage, 15);
            stage.run(JobKind::RemindersOverdue);
            stage.days_later(6);
        }
        // All is decided; of what is to be carried out, a part was begun and the rest was not.
        JobKind::EffectsSettle => {
            stage.run(JobKind::InvoicesGenerate);
            let at = stage.nth(JobKind::InvoicesIssue, ("effects.begun", 1));
            assert!(stage.killed_at(JobKind::InvoicesIssue, at));
            stage.later();
        }
    }
}

/// What a job finds, and what is to come of it.
pub struct Before {
    pub stage: Stage,
    pub expected: Vec<String>,
    pub alike: Alike,
}

impl Before {
    pub fn of(mut stage: Stage, job: JobKind) -> Self {
        until_due(&mut stage, job);
        let expected = undisturbed_from(&stage, job);
        // When weeks have gone by, later invoices of one company come after those of all others.
        let alike = match job {
            JobKind::RemindersUpcoming | JobKind::RemindersOverdue | JobKind::RemindersEscalation => Alike::ButForNumbers,
            _ => Alike::Exactly,
        };
        Self { stage, expected, alike }
    }
}

/// Sets up a database and imports this business into it, as a user would.
pub fn prepare(db: TestDb) -> TestDb {
    prepare_times(db, 1)
}

/// The same with so many times the customers.
pub fn prepare_times(db: TestDb, n: usize) -> TestDb {
    let stage = Stage::new(db);
    let files = [
        ("sellers", SELLERS.to_owned()),
        ("tax_rates", TAX_RATES.to_owned()),
        ("companies", times(COMPANIES, n)),
        ("contracts", times(CONTRACTS, n)),
        ("contract_items", times(&contract_items(), n)),
        ("billable_items", times(BILLABLE_ITEMS, n)),
    ];
    for (name, text) in files {
        stage.write(&format!("data/{name}.csv"), &text);
    }
    // On a cluster the rows come before they are spread, as for somebody who grew.
    let spread = &["db", "distribute"][..];
    let commands = [&["db", "migrate"][..], &["import", "data"]].into_iter().chain(stage.db.is_citus().then_some(spread));
    for command in commands {
        let output = stage.command(command).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    }
    stage.db
}
