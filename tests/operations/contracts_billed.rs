//! Changes of contracts between the jobs that bill them: what is billed in all is what the contract costs.

use crate::database::{TestDb, each_engine};
use crate::firm::Firm;
use crate::support::date;
use finops::engine::host::author;
use finops::error::{Error, ErrorKind};
use finops::import::Kind;
use finops::operations::contracts::{Amended, Desk, Order, UnbilledUsage, amend};
use finops::operations::credit_notes::Request;
use finops::operations::edit::edit;
use finops::operations::invoices::{find, regenerate, void};
use finops::rules::amend::{Amendment, Terms};
use finops::rules::edit::{Edit, Fields};

const SELLERS: &str = "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %\n";
const COMPANIES: &str = "company_id,name,country\nacme,Acme,DE\n";
const CONTRACTS: &str =
    "company_id,contract_id,seller_id,currency,cadence,timing,start\nacme,care,de,EUR,monthly,advance,2026-09-01\n";
const ITEMS: &str = "company_id,contract_id,item_id,description,price_model,unit_price\nacme,care,base,Base,flat,100\n";

/// In September; more files go before these.
fn firm(db: &TestDb, items: &str, more: &[(Kind, &str)]) -> Firm {
    let files = [
        (Kind::Sellers, SELLERS),
        (Kind::TaxRates, RATES),
        (Kind::Companies, COMPANIES),
        (Kind::Contracts, CONTRACTS),
        (Kind::ContractItems, items),
    ];
    Firm::new(db, "2026-09-01T10:00:00Z", &[&files[..], more].concat())
}

fn order(on: &str, amendment: Amendment) -> Order {
    Order {
        contract: "care".to_owned(),
        company: None,
        on: date(on),
        amendment,
        at_once: false,
        despite_corrections: false,
        reason: String::new(),
        notice: None,
    }
}

fn try_amend(firm: &mut Firm, on: &str, amendment: Amendment) -> Result<Amended, Error> {
    let order = order(on, amendment);
    firm.by_hand(|tx, ctx| {
        let author = author(ctx);
        amend(tx, Desk { author: &author, as_of: ctx.as_of, ids: &ctx.ids }, &order)
    })
}

/// What it credits and charges.
#[track_caller]
fn amended(firm: &mut Firm, on: &str, amendment: Amendment) -> String {
    try_amend(firm, on, amendment).unwrap().total.map(|total| total.to_string()).unwrap_or_default()
}

fn price(price: &str) -> Amendment {
    Amendment::Change(None, Terms { unit_price: Some(price.parse().unwrap()), ..Terms::default() })
}

/// Bills what is due by then; all that was ever billed, without tax.
fn billed(db: &TestDb, firm: &mut Firm, at: &str) -> String {
    firm.at = format!("{at}T10:00:00Z");
    firm.bill();
    db.value("SELECT CAST(COALESCE(SUM(net_minor), 0) AS TEXT) FROM invoices WHERE state <> 'draft'")
}

/// With a meter, and billed in advance: the last usage comes on an invoice of its own, which an end that is taken
/// back, or said again, leaves right.
#[test]
fn an_end_with_usage_is_taken_back_and_said_again() {
    each_engine(|db| {
        let items = format!(
            "{},meter\n{},\nacme,care,calls,Calls,per_unit,0.10,api\n",
            ITEMS.lines().next().unwrap(),
            ITEMS.lines().nth(1).unwrap()
        );
        let used = "company_id,contract_id,meter,used_on,quantity,usage_key\nacme,care,api,2026-09-20,70,a\n\
                    acme,care,api,2026-10-05,100,b\nacme,care,api,2026-10-25,300,c\nacme,care,api,2026-11-10,1000,d\n";
        let mut firm = firm(db, &items, &[(Kind::Usage, used)]);
        firm.bill();
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "20700");
        let ended = try_amend(&mut firm, "2026-10-18", Amendment::Cancel).unwrap();
        assert_eq!(ended.total.unwrap().to_string(), "-45.16");
        let UnbilledUsage { meter, from, quantity } = &ended.unbilled_usage[0];
        assert_eq!((meter.as_str(), *from, *quantity), ("api", date("2026-10-25"), 1300.into()), "it is told");
        // 17 of 31 days, and what was used in them.
        assert_eq!(billed(db, &mut firm, "2026-10-18"), "17184");
        assert_eq!(amended(&mut firm, "2026-10-18", Amendment::Reinstate), "35.16");
        // All of October's usage, and November.
        assert_eq!(billed(db, &mut firm, "2026-11-01"), "34700");
        firm.at = "2026-11-20T10:00:00Z".to_owned();
        assert_eq!(amended(&mut firm, "2026-10-18", Amendment::Cancel), "-175.16");
        assert_eq!(billed(db, &mut firm, "2026-11-20"), "17184");
        firm.is_sound();
    });
}

/// On the first day of a period that is billed: nothing of it is served.
#[test]
fn an_end_on_the_first_day_credits_the_whole_period() {
    each_engine(|db| {
        let items = format!(
            "{},meter\n{},\nacme,care,calls,Calls,per_unit,0.10,api\n",
            ITEMS.lines().next().unwrap(),
            ITEMS.lines().nth(1).unwrap()
        );
        let used = "company_id,contract_id,meter,used_on,quantity,usage_key\nacme,care,api,2026-09-20,70,a\n";
        let mut firm = firm(db, &items, &[(Kind::Usage, used)]);
        firm.bill();
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "20700");
        assert_eq!(amended(&mut firm, "2026-10-01", Amendment::Cancel), "-100.00");
        assert_eq!(billed(db, &mut firm, "2026-10-02"), "10700");
        firm.is_sound();
    });
}

/// In arrears the rest of a period is billed when that is over, and not with the one after it.
#[test]
fn in_arrears_what_is_taken_back_is_billed_with_its_own_period() {
    each_engine(|db| {
        let contracts = CONTRACTS.replace("advance", "arrears");
        let files = [
            (Kind::Sellers, SELLERS),
            (Kind::TaxRates, RATES),
            (Kind::Companies, COMPANIES),
            (Kind::Contracts, &contracts),
            (
                Kind::ContractItems,
                "company_id,contract_id,item_id,description,price_model,unit_price\nacme,care,base,Base,flat,300\n",
            ),
        ];
        let mut firm = Firm::new(db, "2026-09-11T10:00:00Z", &files);
        assert_eq!(amended(&mut firm, "2026-09-11", Amendment::Cancel), "");
        assert_eq!(billed(db, &mut firm, "2026-09-11"), "10000");
        firm.at = "2026-09-12T10:00:00Z".to_owned();
        let back = try_amend(&mut firm, "2026-09-12", Amendment::Reinstate).unwrap();
        assert_eq!((back.total.unwrap().minor(), back.billed_on), (20_000, Some(date("2026-10-01"))));
        assert_eq!(billed(db, &mut firm, "2026-09-30"), "10000");
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "30000");
        assert_eq!(billed(db, &mut firm, "2026-11-01"), "60000");
        firm.is_sound();
    });
}

/// What an end had left to bill waits for the next invoice once there is one again.
#[test]
fn what_waits_goes_with_the_next_invoice_again() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.bill();
        firm.at = "2026-09-10T10:00:00Z".to_owned();
        let ended = try_amend(&mut firm, "2026-09-22", Amendment::Cancel).unwrap();
        assert_eq!(ended.billed_on, Some(date("2026-09-22")));
        let back = try_amend(&mut firm, "2026-09-10", Amendment::Reinstate).unwrap();
        assert_eq!(back.billed_on, Some(date("2026-10-01")));
        assert_eq!(billed(db, &mut firm, "2026-09-25"), "10000");
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "20000");
        assert_eq!(db.value("SELECT COUNT(*) FROM invoices"), "2", "one a month");
        firm.is_sound();
    });
}

const PLANS: &str =
    "plan_id,valid_from,name,currency\nbasic,2026-01-01,Basic,EUR\nbasic,2026-09-10,Basic,EUR\npro,2026-01-01,Pro,EUR\n";
const PLAN_ITEMS: &str = "plan_id,version,item_id,description,price_model,unit_price\nbasic,2026-01-01,base,Basic,flat,30\n\
                          basic,2026-09-10,base,Basic,flat,33\npro,2026-01-01,base,Pro,flat,60\npro,2026-01-01,help,Support,flat,15\n";

/// Chargebee, chargebee.com/docs/proration-old.html has the like: what is left of the old plan is credited, and the days
/// of the new one are charged.
#[test]
fn an_upgrade_in_a_billed_period_credits_the_old_plan_and_charges_the_new() {
    each_engine(|db| {
        let on = "company_id,contract_id,plan_id,version\nacme,care,basic,2026-01-01\n";
        let items = "company_id,contract_id,item_id,description,price_model,unit_price\nacme,care,extra,Extra,flat,3\n";
        let files = [(Kind::Plans, PLANS), (Kind::PlanItems, PLAN_ITEMS), (Kind::ContractPlans, on)];
        let mut firm = firm(db, items, &files);
        assert_eq!(billed(db, &mut firm, "2026-09-01"), "3300");
        let plan = |plan: &str, version: Option<&str>| Amendment::Plan(plan.parse().unwrap(), version.map(date));
        let done = try_amend(&mut firm, "2026-09-21", plan("pro", None)).unwrap();
        let lines: Vec<String> = done.lines.iter().map(|line| format!("{} {}", line.description, line.amount)).collect();
        // 10 of 30 days.
        assert_eq!(lines, ["Basic -10.00", "Pro 20.00", "Support 5.00"]);
        assert!(try_amend(&mut firm, "2026-09-21", plan("pro", None)).unwrap().unchanged);
        assert_eq!(billed(db, &mut firm, "2026-10-01"), (3300 + 1500 + 7800).to_string());
        // Back again: nothing of the plan between is billed. Without a version it is the latest.
        assert_eq!(amended(&mut firm, "2026-09-21", plan("basic", Some("2026-01-01"))), "-60.00");
        assert_eq!(amended(&mut firm, "2026-09-21", plan("basic", None)), "", "it stays on its version");
        assert_eq!(amended(&mut firm, "2026-11-01", plan("basic", Some("2026-09-10"))), "");
        assert_eq!(billed(db, &mut firm, "2026-11-01"), (3300 + 3300 + 3600).to_string());
        assert!(try_amend(&mut firm, "2026-11-01", plan("none", None)).is_err_and(|e| e.kind == ErrorKind::NotFound));
        let told = try_amend(&mut firm, "2026-11-01", plan("pro", Some("2026-02-01"))).unwrap_err();
        assert_eq!(told.message, "plan pro has no version 2026-02-01");
        firm.is_sound();
    });
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, told: &str) {
    let Err(error) = result else { panic!("it is not refused: {told}") };
    assert!(error.kind == ErrorKind::Refused && error.message.contains(told) && error.hint.is_some(), "{told}: {error}");
}

/// Lines that a person wrote are not what the contract says, so that nobody but a person can say what of them is
/// to be credited.
#[test]
fn what_was_edited_by_hand_is_left_to_people() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.generate();
        let id = db.value("SELECT invoice_id FROM invoices");
        let cheaper = Fields { unit_price: Some("60".parse().unwrap()), ..Fields::default() };
        let wanted = Edit { set: Some((1, cheaper)), ..Edit::default() };
        firm.by_hand(|tx, ctx| {
            let draft = find(tx, &id, None)?;
            edit(tx, ctx, &draft, &wanted)
        })
        .unwrap();
        assert_eq!(firm.issue(), 1);
        refused(
            try_amend(&mut firm, "2026-09-16", price("150")),
            "INV-2026-000001, which bills 2026-09-01 to 2026-09-30, was edited by hand",
        );
        assert_eq!(amended(&mut firm, "2026-10-01", price("150")), "");
    });
}

/// What a change has credited is not credited once more by a credit note, nor the other way round.
#[test]
fn a_change_and_a_credit_note_do_not_credit_the_same() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.bill();
        assert_eq!(amended(&mut firm, "2026-09-16", price("50")), "-25.00");
        let whole = firm.credit("INV-2026-000001", &Request::default());
        refused(whole, "contract care changed in the period from 2026-09-01: -25.00 EUR of it are credited");
        let line = firm.credit("INV-2026-000001", &Request { lines: vec![1], ..Request::default() });
        refused(line, "contract care changed");
        // October's invoice has the credit; who takes it back in part has the change blocked.
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "12500");
        firm.credit_amount("INV-2026-000002", "11.90");
        refused(try_amend(&mut firm, "2026-09-16", price("100")), "INV-2026-000002");
        firm.is_sound();
    });
}

/// Nor when the invoice that has the credit is void: `regenerate` bills that again.
#[test]
fn what_a_voided_invoice_credits_may_come_back() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.bill();
        amended(&mut firm, "2026-09-16", price("50"));
        assert_eq!(billed(db, &mut firm, "2026-10-01"), "12500");
        firm.by_hand(|tx, ctx| {
            let credits = find(tx, "INV-2026-000002", None)?;
            void(tx, ctx, &credits, "")
        })
        .unwrap();
        refused(firm.credit("INV-2026-000001", &Request::default()), "-25.00 EUR of it are credited");
        firm.credit_amount("INV-2026-000001", "89.25");
        firm.by_hand(|tx, ctx| {
            let voided = find(tx, "INV-2026-000002", None)?;
            regenerate(tx, ctx, &voided)
        })
        .unwrap();
        firm.issue();
        firm.is_sound();
        assert_eq!(firm.stands("INV-2026-000001"), "29.75 open");
        assert_eq!(firm.stands("INV-2026-000003"), "29.75 open");
    });
}

/// The company's tax code is another one by then: what is taken back is taxed as it was billed, what is charged as the
/// company is now, and what that takes back later as it was billed then.
#[test]
fn a_credit_has_the_tax_that_was_billed() {
    each_engine(|db| {
        let rates = "seller_id,tax_code,valid_from,category,rate,name,note\nde,standard,2021-01-01,S,19,VAT 19 %,\n\
                     de,rc,2021-01-01,AE,0,Reverse charge,Steuerschuldnerschaft des Leistungsempfängers\n";
        let mut firm = firm(db, ITEMS, &[]);
        firm.import(&[(Kind::TaxRates, rates)]).unwrap();
        firm.bill();
        firm.import(&[(Kind::Companies, "company_id,name,country,tax_code,tax_id\nacme,Acme,AT,rc,ATU12345675\n")]).unwrap();
        assert_eq!(amended(&mut firm, "2026-09-16", price("150")), "25.00");
        firm.at = "2026-10-01T10:00:00Z".to_owned();
        firm.bill();
        let taxed = "SELECT l.amount_minor, l.tax_code, i.total_minor FROM invoice_lines l JOIN invoices i
          ON i.company_id = l.company_id AND i.invoice_id = l.invoice_id WHERE i.number = 'INV-2026-00000' ORDER BY l.position";
        let taxed = |number: &str| db.rows(&taxed.replace("00000'", &format!("00000{number}'")));
        // 15 of 30 days: -50.00 with 19 %, 75.00 and 150.00 without.
        let expected = [["15000", "rc", "16550"], ["-5000", "standard", "16550"], ["7500", "rc", "16550"]];
        assert_eq!(taxed("2"), expected);
        assert_eq!(amended(&mut firm, "2026-09-10", Amendment::Cancel), "-245.00");
        firm.bill();
        let codes: Vec<String> = taxed("3").iter().map(|row| row[..2].join(" ")).collect();
        assert_eq!(codes, ["-2000 standard", "-7500 rc", "-15000 rc"]);
        firm.is_sound();
    });
}

/// A credit note out of goodwill locks nothing: what only charges goes through, and a person may say that it was about
/// something else. More than is left is never credited (Kill Bill's repairs end there, too).
#[test]
fn a_change_goes_on_despite_a_credit_note_when_a_person_says_so() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.bill();
        firm.credit_amount("INV-2026-000001", "11.90");
        let backup = Terms { unit_price: Some("30".parse().unwrap()), ..Terms::default() };
        assert_eq!(amended(&mut firm, "2026-09-21", Amendment::Add("backup".parse().unwrap(), backup)), "10.00");
        let mut despite = |on: &str, amendment| {
            let order = Order { despite_corrections: true, ..order(on, amendment) };
            firm.by_hand(|tx, ctx| {
                let author = author(ctx);
                amend(tx, Desk { author: &author, as_of: ctx.as_of, ids: &ctx.ids }, &order)
            })
        };
        refused(
            despite("2026-09-01", Amendment::Cancel),
            "credits 110.00 EUR of what invoice INV-2026-000001 bills, of which credit notes have left 100.00",
        );
        assert_eq!(despite("2026-09-11", Amendment::Cancel).unwrap().total.unwrap().to_string(), "-76.67");
        refused(try_amend(&mut firm, "2026-09-10", Amendment::Cancel), "has credit notes");
        firm.is_sound();
    });
}

/// What an invoice below zero has given is the company's already.
#[test]
fn an_invoice_below_zero_cannot_be_voided_and_says_what_to_do() {
    each_engine(|db| {
        let mut firm = firm(db, ITEMS, &[]);
        firm.bill();
        assert_eq!(amended(&mut firm, "2026-09-16", Amendment::Cancel), "-50.00");
        firm.at = "2026-09-16T10:00:00Z".to_owned();
        firm.bill();
        let voided = firm.by_hand(|tx, ctx| {
            let credit = find(tx, "INV-2026-000002", None)?;
            void(tx, ctx, &credit, "")
        });
        let hint = voided.as_ref().err().and_then(|error| error.hint.clone()).unwrap();
        assert!(hint.starts_with("what it gives back is the company's credit already"), "{hint}");
        refused(voided, "is paid and cannot become void");
        firm.is_sound();
    });
}
