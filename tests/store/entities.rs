//! Whatever is written comes back as it was, and a second write of the same key replaces it.

use crate::fixtures::*;
use crate::support::each_engine;
use chrono::TimeDelta;
use finops::model::EffectKind;
use finops::model::{
    CompanyId, ContractPlan, Correction, Discount, FullInvoice, Invoice, InvoiceKind, InvoiceLine, InvoiceState, Money, Off,
    Payment, Plan, PlanItem, PriceModel, PriceTerms, SellerId, TaxCategory, Usage,
};
use finops::store::documents::{self, DocumentFile, NewDocument};
use finops::store::effects::{self, NewEffect};
use finops::store::{companies, contacts, contracts, credit, invoices, items, payments, plans, sellers, usage};

#[test]
fn sellers_rates_and_logos() {
    each_engine(|db| {
        let mut db = db.open();
        let plain = finops::model::Seller { name: String::new(), footer: long(), ..seller("B") };
        write(&mut db, |tx| sellers::upsert(tx, &[&seller("a"), &seller("B")]));
        write(&mut db, |tx| sellers::upsert(tx, &[&plain]));
        assert_eq!(read(&mut db, sellers::all), [plain.clone(), seller("a")], "by bytes, the second B");

        let free =
            finops::model::TaxRate { category: TaxCategory::ReverseCharge, rate: dec("0"), ..rate("a", "x", "2021-01-01") };
        let rates = [rate("a", "x", "2020-01-01"), free.clone()];
        write(&mut db, |tx| sellers::upsert_tax_rates(tx, &[&rate("a", "x", "2021-01-01"), &rates[0]]));
        write(&mut db, |tx| sellers::upsert_tax_rates(tx, &[&free]));
        assert_eq!(read(&mut db, sellers::tax_rates), rates);

        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        write(&mut db, |tx| sellers::put_asset(tx, "ab", &bytes));
        write(&mut db, |tx| sellers::put_asset(tx, "ab", b"the same key is the same content"));
        assert_eq!(read(&mut db, |tx| sellers::asset(tx, "ab")).unwrap(), bytes);
        assert_eq!(read(&mut db, |tx| sellers::asset(tx, "none")), None);
    });
}

#[test]
fn companies_contracts_and_items() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "Ä"]);
        let bare = finops::model::Company {
            time_zone: None,
            payment_terms_days: None,
            tax_code: None,
            consolidate: false,
            reference: String::new(),
            ..company("b")
        };
        write(&mut db, |tx| companies::upsert(tx, &[&company("b")]));
        write(&mut db, |tx| companies::upsert(tx, &[&bare]));
        let found = read(&mut db, |tx| companies::by_ids(tx, &["a", "b", "missing", "Ä"]));
        assert_eq!(found, [company("a"), bare, company("Ä")], "in the order asked for; the missing one is left out");

        let known = [contact("a", "B"), contact("a", "a"), contact("Ä", "c")];
        write(&mut db, |tx| contacts::upsert(tx, &known.iter().rev().collect::<Vec<_>>()));
        let gone = finops::model::Contact { roles: Vec::new(), time_zone: None, email: String::new(), ..contact("a", "a") };
        write(&mut db, |tx| contacts::upsert(tx, &[&gone]));
        let found = read(&mut db, |tx| contacts::of_companies(tx, &["a", "b", "Ä"]));
        assert_eq!(found, [known[0].clone(), gone, known[2].clone()]);

        let open = finops::model::Contract {
            anchor_day: None,
            end: None,
            bill_from: None,
            trial_end: None,
            payment_terms_days: None,
            tax_inclusive: false,
            ..contract("a", AWKWARD_ID)
        };
        write(&mut db, |tx| contracts::upsert(tx, &[&contract("a", AWKWARD_ID)]));
        write(&mut db, |tx| contracts::upsert(tx, &[&open]));
        let a: CompanyId = "a".parse().unwrap();
        assert_eq!(read(&mut db, |tx| contracts::find(tx, &a, &open.contract_id)), Some(open.clone()));
        assert_eq!(read(&mut db, |tx| contracts::find(tx, &"Ä".parse().unwrap(), &open.contract_id)), None);
        assert_eq!(read(&mut db, |tx| contracts::ids_of_company(tx, &a)).len(), 2);

        let versions = [item("a", "c", "B", "2026-01-01"), item("a", "c", "a", "2026-01-01"), item("a", "c", "a", "2026-02-01")];
        write(&mut db, |tx| contracts::upsert_items(tx, &versions.iter().rev().collect::<Vec<_>>()));
        let ended = finops::model::ContractItem {
            end: Some(day("2026-03-01")),
            tax_code: Some("x".parse().unwrap()),
            ..versions[2].clone()
        };
        write(&mut db, |tx| contracts::upsert_items(tx, &[&ended]));
        let found = read(&mut db, |tx| contracts::items(tx, &a, &"c".parse().unwrap()));
        assert_eq!(found, [versions[0].clone(), versions[1].clone(), ended]);
    });
}

#[test]
fn what_prices_are_made_of_comes_back_as_it_was_written() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "Ä"]);
        let version = day("2026-01-01");
        let plan = |id: &str| Plan { plan_id: id.parse().unwrap(), valid_from: version, name: long(), currency: eur() };
        write(&mut db, |tx| plans::upsert(tx, &[plan("p"), plan("É")]));
        write(&mut db, |tx| plans::upsert(tx, &[plan("p")]));
        assert_eq!(read(&mut db, plans::all), [plan("p"), plan("É")]);
        let of_plan = |id: &str, terms| PlanItem {
            plan_id: "p".parse().unwrap(),
            version,
            item_id: id.parse().unwrap(),
            description: AWKWARD_ID.to_owned(),
            price_model: PriceModel::Graduated,
            quantity: dec("1"),
            unit: String::new(),
            unit_price: dec("0"),
            terms,
            tax_code: None,
        };
        let items = [of_plan("bare", PriceTerms::default()), of_plan("full", terms())];
        write(&mut db, |tx| plans::upsert_items(tx, &items));
        write(&mut db, |tx| plans::upsert_items(tx, &items));
        assert_eq!(read(&mut db, plans::items), items);

        let on = |from: &str, plan: Option<&str>| ContractPlan {
            company_id: "a".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            valid_from: day(from),
            plan: plan.map(|plan| (plan.parse().unwrap(), version)),
        };
        let moves = [on("2026-01-01", Some("p")), on("2026-06-01", None)];
        write(&mut db, |tx| plans::upsert_contracts(tx, &moves.iter().collect::<Vec<_>>()));
        assert_eq!(read(&mut db, |tx| plans::of_companies(tx, &["a", "Ä"], ("a", "z"))), moves);
        let metered = read(&mut db, |tx| plans::metered(tx, &["a", "Ä"], ("a", "z")));
        assert_eq!(metered, [("a".parse().unwrap(), "c".parse().unwrap())], "by an item of its plan");
        assert_eq!(read(&mut db, |tx| plans::contracts_on(tx, &"p".parse().unwrap(), version, ("", ""), 5)), metered);
        assert_eq!(read(&mut db, |tx| plans::issued_on(tx, &"p".parse().unwrap(), version)), None);

        let discount = |id: &str, item: Option<&str>, periods, off| Discount {
            company_id: "a".parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            discount_id: id.parse().unwrap(),
            item_id: item.map(|item| item.parse().unwrap()),
            valid_from: version,
            periods,
            off,
            description: AWKWARD_ID.to_owned(),
        };
        let discounts =
            [discount("1", None, None, Off::Percent(dec("12.50"))), discount("2", Some("i"), Some(3), Off::Amount(dec("5.00")))];
        write(&mut db, |tx| usage::upsert_discounts(tx, &discounts));
        write(&mut db, |tx| usage::upsert_discounts(tx, &discounts));
        assert_eq!(read(&mut db, |tx| usage::discounts_of_companies(tx, &["a"], ("c", "c"))), discounts);

        let used = |key: &str, on: &str, quantity: &str| Usage {
            company_id: "a".parse().unwrap(),
            usage_key: key.parse().unwrap(),
            contract_id: "c".parse().unwrap(),
            meter: "api".parse().unwrap(),
            used_on: day(on),
            quantity: dec(quantity),
        };
        let counts =
            [used("1", "2026-01-31", "0.1"), used("2", "2026-01-31", "99999999999999999999999999"), used("3", "2026-02-01", "7")];
        write(&mut db, |tx| usage::upsert(tx, &counts));
        write(&mut db, |tx| usage::upsert(tx, &counts));
        assert_eq!(read(&mut db, |tx| usage::of_companies(tx, &["a"])), counts);
        let mut found = read(&mut db, |tx| usage::of_keys(tx, &[("a", "3"), ("b", "2"), ("a", "1"), ("a", "4")]));
        found.sort_by(|one, other| one.usage_key.cmp(&other.usage_key));
        assert_eq!(found, [counts[0].clone(), counts[2].clone()], "what lies between the keys is not read");
        assert!(read(&mut db, |tx| usage::of_keys(tx, &[])).is_empty());
        let days = read(&mut db, |tx| usage::of_contract(tx, &"a".parse().unwrap(), &"c".parse().unwrap(), day("2026-01-31")));
        let told: Vec<String> = days.iter().map(|d| format!("{} {}", d.on, d.quantity)).collect();
        assert_eq!(told, ["2026-01-31 99999999999999999999999999.1", "2026-02-01 7"]);
        let later = read(&mut db, |tx| usage::of_contract(tx, &"a".parse().unwrap(), &"c".parse().unwrap(), day("2026-02-01")));
        assert_eq!(later.len(), 1);
    });
}

const AWKWARD_ID: &str = "x'; DROP TABLE contracts; -- $1 ?1 漢";

#[test]
fn invoices_come_back_whole_and_go_away_whole() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let head = |n| Invoice { contract_id: None, stale: true, edited: false, ..draft("a", n).head };
        let second = FullInvoice { head: head(2), lines: Vec::new(), taxes: Vec::new() };
        let all = [draft("a", 1), second.clone(), draft("b", 3)];
        write(&mut db, |tx| invoices::insert(tx, all.iter()));
        let found = read(&mut db, |tx| invoices::drafts_of(tx, &["a", "b"]));
        assert_eq!(found, [second.clone(), draft("a", 1), draft("b", 3)], "by (company, contract, period)");
        assert_eq!(read(&mut db, |tx| invoices::stale_drafts(tx, &["a", "b"])), std::slice::from_ref(&second));
        let one = read(&mut db, |tx| {
            let head = invoices::head(tx, &"a".parse().unwrap(), &invoice_id(1))?.expect("it is there");
            invoices::full(tx, head)
        });
        assert_eq!(one, draft("a", 1));
        let ids = [3, 2, 1].map(|n| invoice_id(n).to_string());
        let wanted = [("b", ids[0].as_str()), ("a", &ids[0]), ("a", &ids[1]), ("a", &ids[1])];
        let mut heads = read(&mut db, |tx| invoices::heads(tx, &wanted));
        heads.sort_by_key(|head| head.company_id.to_string());
        assert_eq!(heads, [second.head.clone(), draft("b", 3).head], "each once, and of its own company");
        write(&mut db, |tx| invoices::delete(tx, &"a".parse().unwrap(), &invoice_id(1)));
        assert_eq!(read(&mut db, |tx| invoices::drafts_of(tx, &["a"])), [second]);
        assert_eq!(read(&mut db, |tx| invoices::drafts_of(tx, &["b"])), [draft("b", 3)]);
    });
}

#[test]
fn an_invoice_is_issued_once_and_only_as_it_was_planned() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let stale = FullInvoice { head: Invoice { stale: true, ..draft("a", 2).head }, ..draft("a", 2) };
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1), stale.clone()].iter()));
        let issued = |draft: &Invoice| Invoice {
            state: InvoiceState::Open,
            number: Some("INV-'1".to_owned()),
            issued_on: Some(day("2026-10-31")),
            due_on: Some(day("2026-11-14")),
            ..draft.clone()
        };
        let open = issued(&draft("a", 1).head);
        assert!(!write(&mut db, |tx| invoices::issue(tx, &[issued(&stale.head)])), "its inputs changed");
        assert!(write(&mut db, |tx| invoices::issue(tx, std::slice::from_ref(&open))));
        assert!(!write(&mut db, |tx| invoices::issue(tx, std::slice::from_ref(&open))), "it is no draft any more");
        assert_eq!(read(&mut db, |tx| invoices::find(tx, "INV-'1", None)), std::slice::from_ref(&open));
        assert_eq!(read(&mut db, |tx| invoices::find(tx, invoice_id(1).as_str(), None)), std::slice::from_ref(&open));
        assert!(read(&mut db, |tx| invoices::find(tx, "nothing", None)).is_empty());

        let a: CompanyId = "a".parse().unwrap();
        let step = |db: &mut _, from, to| write(db, |tx| invoices::set_state(tx, &a, &invoice_id(1), from, to));
        assert!(!step(&mut db, InvoiceState::Draft, InvoiceState::Void), "it is not in that state");
        assert!(step(&mut db, InvoiceState::Open, InvoiceState::Paid));
        let paid = Invoice { state: InvoiceState::Paid, ..open };
        assert_eq!(read(&mut db, |tx| invoices::find(tx, "INV-'1", Some(&a))), [paid]);
        let counts = read(&mut db, invoices::counts);
        assert_eq!(counts.iter().map(|c| (c.0.as_str(), c.2)).collect::<Vec<_>>(), [("draft", 1), ("paid", 1)]);
    });
}

#[test]
fn what_is_stale_is_marked_by_contract_company_and_seller() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1), draft("b", 2)].iter()));
        let a: CompanyId = "a".parse().unwrap();
        let stale = |db: &mut _| read(db, |tx| invoices::companies_with_stale_drafts(tx, "", 9));
        assert!(stale(&mut db).is_empty());
        assert_eq!(write(&mut db, |tx| invoices::mark_stale_by_contract(tx, &a, &"c".parse().unwrap())), 0, "bills nothing");
        assert_eq!(write(&mut db, |tx| invoices::mark_stale_by_company(tx, &a)), 1);
        assert_eq!(write(&mut db, |tx| invoices::mark_stale_by_company(tx, &a)), 0);
        assert_eq!(stale(&mut db), ["a"]);
        let fresh = |db: &mut _, of: &[&str]| read(db, |tx| invoices::companies_with_fresh_drafts(tx, of));
        assert_eq!(fresh(&mut db, &["a", "b"]), ["b".parse().unwrap()]);
        assert!(fresh(&mut db, &["a"]).is_empty() && fresh(&mut db, &[]).is_empty());
        write(&mut db, |tx| invoices::clear_stale(tx, &a, &invoice_id(1)));
        assert!(stale(&mut db).is_empty());
        assert_eq!(write(&mut db, |tx| invoices::mark_stale_by_seller(tx, &"seller".parse().unwrap())), 2);
        assert_eq!(stale(&mut db), ["a", "b"]);
        assert!(fresh(&mut db, &["a", "b"]).is_empty());
        assert_eq!(read(&mut db, |tx| invoices::companies_with_stale_drafts(tx, "a", 9)), ["b"]);
    });
}

/// What a change of a contract credits, and its pauses, come back as they were written.
#[test]
fn adjustments_and_pauses_are_kept() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let (a, c): (CompanyId, finops::model::ContractId) = ("a".parse().unwrap(), "c".parse().unwrap());
        let period = finops::model::Period::new(day("2026-10-18"), day("2026-11-01")).unwrap();
        let part = |n: i64, proration| finops::model::BillableItem {
            adjustment: Some(finops::model::Adjustment {
                contract_id: c.clone(),
                item_id: "i".parse().unwrap(),
                adjusts: day("2026-10-01"),
                period,
                proration,
                amount: euro(n),
                supplied_on: day("2026-10-31"),
                alone_on: day("2026-11-05"),
            }),
            ..billable("a", &format!("change:c:1:{n}"))
        };
        let whole = part(i64::MIN, None);
        let half = part(7, Some(finops::model::invoice::Proration { days: 14, of_days: 31 }));
        write(&mut db, |tx| items::upsert(tx, &[(&whole, day("2026-11-05")), (&half, day("2026-11-05"))]));
        write(&mut db, |tx| items::upsert(tx, &[(&billable("a", "ticket:1"), day("2026-11-01"))]));
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1)].iter()));
        assert!(write(&mut db, |tx| items::take(tx, &a, &half.source_key, &invoice_id(1))));
        let found = read(&mut db, |tx| items::adjustments(tx, &a, &c));
        let taken = Some((invoice_id(1), finops::model::InvoiceState::Draft));
        assert_eq!(found, [(whole.clone(), None), (half, taken)]);
        write(&mut db, |tx| items::delete(tx, &a, &whole.source_key));
        assert_eq!(read(&mut db, |tx| items::open(tx, &["a"])).len(), 1);

        let pause = |from, until: Option<&str>| finops::model::Pause {
            company_id: a.clone(),
            contract_id: c.clone(),
            from: day(from),
            until: until.map(day),
        };
        let (first, second) = (pause("2026-01-10", Some("2026-02-01")), pause("2026-10-18", None));
        write(&mut db, |tx| finops::store::pauses::upsert(tx, &[&second, &first]));
        let ended = pause("2026-10-18", Some("2026-10-20"));
        write(&mut db, |tx| finops::store::pauses::upsert(tx, &[&ended]));
        assert_eq!(read(&mut db, |tx| finops::store::pauses::of_contract(tx, &a, &c)), [first.clone(), ended.clone()]);
        assert_eq!(read(&mut db, |tx| finops::store::pauses::of_companies(tx, &["a"])), [first.clone(), ended.clone()]);
        let mut found = read(&mut db, |tx| finops::store::pauses::of_contracts(tx, &[("a", "c"), ("a", "none"), ("b", "c")]));
        found.sort_by_key(|pause| pause.from);
        assert_eq!(found, [first, ended]);
    });
}

#[test]
fn an_item_is_taken_once() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let (one, two) = (billable("a", "ticket:1"), billable("a", "Ticket:2"));
        let plain = finops::model::BillableItem { tax_code: None, tax_inclusive: false, ..one.clone() };
        write(&mut db, |tx| items::upsert(tx, &[(&one, day("2026-11-01")), (&two, day("2026-11-15"))]));
        write(&mut db, |tx| items::upsert(tx, &[(&plain, day("2026-11-01"))]));
        assert_eq!(read(&mut db, |tx| items::open(tx, &["a"])), [two.clone(), plain.clone()]);
        let due = |db: &mut _, until| read(db, |tx| items::companies_due(tx, day(until), ("", ""), 9));
        assert!(due(&mut db, "2026-10-31").is_empty());
        assert_eq!(due(&mut db, "2026-11-15").len(), 2);

        let a: CompanyId = "a".parse().unwrap();
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1), draft("a", 2)].iter()));
        let take = |db: &mut _, n| write(db, |tx| items::take(tx, &a, &one.source_key, &invoice_id(n)));
        assert!(take(&mut db, 1));
        assert!(!take(&mut db, 2), "it is another's");
        assert_eq!(read(&mut db, |tx| items::of_invoice(tx, &a, &invoice_id(1))), std::slice::from_ref(&plain));
        let found = read(&mut db, |tx| items::find(tx, &a, &one.source_key));
        assert_eq!(found, Some((plain.clone(), Some(invoice_id(1)))));
        let mut states = read(&mut db, |tx| items::of_keys(tx, &[("a", "Ticket:2"), ("a", "none"), ("a", "ticket:1")]));
        states.sort_by_key(|found| found.1);
        assert_eq!(states, [(two.clone(), None), (plain.clone(), Some(InvoiceState::Draft))]);
        assert_eq!(read(&mut db, |tx| items::open(tx, &["a"])), [two]);
        assert_eq!(write(&mut db, |tx| items::release(tx, &a, &invoice_id(1))), 1);
        assert!(take(&mut db, 2), "it is open again");
    });
}

#[test]
fn a_payment_is_recorded_once_per_reference() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let a: CompanyId = "a".parse().unwrap();
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1)].iter()));
        let payment = Payment {
            company_id: a.clone(),
            provider: "bank".to_owned(),
            reference: AWKWARD.to_owned(),
            amount: euro(i64::MAX),
            received_on: day("2026-11-02"),
        };
        assert!(write(&mut db, |tx| payments::insert(tx, &payment, &invoice_id(1))));
        let more = Payment { amount: euro(1), ..payment.clone() };
        assert!(!write(&mut db, |tx| payments::insert(tx, &more, &invoice_id(1))), "the reference is known");
        let found = read(&mut db, |tx| payments::find(tx, &a, "bank", AWKWARD)).unwrap();
        assert_eq!((found.payment, found.invoice_id), (payment.clone(), invoice_id(1)));
        assert!(read(&mut db, |tx| payments::find(tx, &a, "stripe", AWKWARD)).is_none());

        assert_eq!(read(&mut db, |tx| payments::paid(tx, &a, &invoice_id(1), eur())), euro(0));
        write(&mut db, |tx| payments::allocate(tx, &payment, &invoice_id(1), euro(70)));
        assert_eq!(read(&mut db, |tx| payments::paid(tx, &a, &invoice_id(1), eur())), euro(70));
        assert_eq!(read(&mut db, |tx| payments::of_invoice(tx, &a, &invoice_id(1), eur()))[0].amount, euro(70));
        assert!(db.write(|tx| payments::allocate(tx, &payment, &invoice_id(1), euro(1))).is_err(), "once an invoice");
    });
}

#[test]
fn credit_adds_up_per_seller_and_currency_and_settles_invoices() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let (a, [one, other]): (CompanyId, [SellerId; 2]) = ("a".parse().unwrap(), ["s1", "s2"].map(|id| id.parse().unwrap()));
        let invoice = invoice_id(7);
        let entry = |key: &'static str, minor, reason: &'static str| credit::NewEntry {
            company_id: &a,
            key,
            seller_id: &one,
            amount: euro(minor),
            reason,
            entered_on: day("2026-11-02"),
            invoice_id: None,
        };
        assert!(write(&mut db, |tx| credit::add(tx, entry("k1", 30, AWKWARD))));
        assert!(!write(&mut db, |tx| credit::add(tx, entry("k1", 40, ""))), "once a key");
        let used = credit::NewEntry { invoice_id: Some(&invoice), ..entry("k2", -10, "") };
        assert!(write(&mut db, |tx| credit::add(tx, used)));
        let yen = Money::from_minor(i64::MAX, "JPY".parse().unwrap());
        write(&mut db, |tx| credit::add(tx, credit::NewEntry { amount: yen, ..entry("k3", 0, "") }));
        write(&mut db, |tx| credit::add(tx, credit::NewEntry { seller_id: &other, ..entry("k4", 5, "") }));
        write(&mut db, |tx| credit::add(tx, credit::NewEntry { seller_id: &other, ..entry("k5", -5, "") }));
        let found = read(&mut db, |tx| credit::balances(tx, &["a", "b"]));
        let found: Vec<(&str, &str, Money)> =
            found.iter().map(|b| (b.company_id.as_str(), b.seller_id.as_str(), b.amount)).collect();
        assert_eq!(found, [("a", "s1", euro(20)), ("a", "s1", yen)], "what is used up is left out");
        assert_eq!(read(&mut db, |tx| credit::settled(tx, &a, &invoice, eur())), euro(10));
        assert_eq!(read(&mut db, |tx| credit::settled(tx, &a, &invoice_id(8), eur())), euro(0));
        let of = read(&mut db, |tx| credit::of_invoice(tx, &a, &invoice));
        assert_eq!((of.len(), of[0].key.as_str(), of[0].amount), (1, "k2", euro(-10)));
        let all = read(&mut db, |tx| credit::of_company(tx, &a));
        assert_eq!(all.iter().map(|e| e.key.as_str()).collect::<Vec<_>>(), ["k1", "k2", "k3", "k4", "k5"]);
        assert_eq!(all[0].reason, AWKWARD);
        assert_eq!(read(&mut db, |tx| credit::find(tx, &a, "k2")).unwrap().invoice_id.as_deref(), Some(invoice.as_str()));
        assert_eq!(read(&mut db, |tx| credit::companies(tx, "", 9)), ["a"]);
        assert!(read(&mut db, |tx| credit::companies(tx, "a", 9)).is_empty());
    });
}

#[test]
fn credit_notes_are_found_by_their_invoice_and_by_their_key() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let note = |company: &str, n: u32, key: &str| {
            let made = draft(company, n);
            let correction = Correction { corrects: invoice_id(1), reason: AWKWARD.to_owned(), key: key.to_owned() };
            let head = Invoice { kind: InvoiceKind::CreditNote(correction), ..made.head.clone() };
            let lines = vec![InvoiceLine { corrects_line: Some(2), ..made.lines[0].clone() }];
            FullInvoice { head, lines, ..made }
        };
        let notes = [note("a", 2, ""), note("a", 3, AWKWARD), note("a", 4, ""), note("b", 5, AWKWARD)];
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1)].iter()));
        write(&mut db, |tx| invoices::insert(tx, notes.iter()));
        let a = "a".parse().unwrap();
        assert_eq!(read(&mut db, |tx| invoices::credit_notes(tx, &a, &invoice_id(1))), notes[..3]);
        assert_eq!(read(&mut db, |tx| invoices::credit_notes(tx, &a, &invoice_id(2))), []);
        assert_eq!(read(&mut db, |tx| invoices::by_ref_key(tx, &a, AWKWARD)), Some(notes[1].head.clone()));
        assert_eq!(read(&mut db, |tx| invoices::by_ref_key(tx, &a, "")), None);
        assert!(read(&mut db, |tx| invoices::has_credit_notes(tx, &a, &invoice_id(1))));
        assert!(!read(&mut db, |tx| invoices::has_credit_notes(tx, &"b".parse().unwrap(), &invoice_id(2))));
        assert!(db.write(|tx| invoices::insert(tx, [note("a", 6, AWKWARD)].iter())).is_err(), "a key is used once");
    });
}

#[test]
fn a_draft_is_rewritten_by_hand_and_an_issued_invoice_is_not() {
    each_engine(|db| {
        let guarded = !db.is_citus();
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let item = billable("a", "ticket:1");
        let made = draft("a", 1);
        let (company, id) = (made.head.company_id.clone(), made.head.invoice_id.clone());
        write(&mut db, |tx| {
            invoices::insert(tx, [made.clone()].iter())?;
            items::upsert(tx, &[(&item, day("2026-11-01"))])?;
            assert!(items::take(tx, &company, &item.source_key, &id)?);
            invoices::mark_stale_by_company(tx, &company)
        });
        let lines = vec![InvoiceLine { description: "Other".to_owned(), ..made.lines[1].clone() }];
        let taxes = vec![made.taxes[1].clone()];
        let head = Invoice { net: euro(7), tax: euro(1), total: euro(8), stale: false, edited: true, ..made.head.clone() };
        let wanted = FullInvoice { head, lines, taxes };
        assert!(write(&mut db, |tx| invoices::rewrite(tx, &wanted)));
        let head = read(&mut db, |tx| invoices::head(tx, &company, &id)).unwrap();
        assert_eq!(read(&mut db, |tx| invoices::full(tx, head)), wanted);
        assert!(!write(&mut db, |tx| items::release_one(tx, &company, &item.source_key, &invoice_id(2))), "another one's");
        assert!(write(&mut db, |tx| items::release_one(tx, &company, &item.source_key, &id)));
        assert_eq!(read(&mut db, |tx| items::find(tx, &company, &item.source_key)).unwrap().1, None);

        assert!(read(&mut db, |tx| invoices::issued(tx, None, ("", ""), 9)).is_empty(), "a draft is not issued");
        let open = Invoice { state: InvoiceState::Open, number: Some("N".to_owned()), ..wanted.head.clone() };
        write(&mut db, |tx| invoices::issue(tx, std::slice::from_ref(&open)));
        assert!(!guarded || db.write(|tx| invoices::rewrite(tx, &wanted)).is_err(), "the guards refuse it");
        for of in [None, Some("a")] {
            let found = read(&mut db, |tx| invoices::issued(tx, of, ("", ""), 9));
            assert_eq!(found, [FullInvoice { head: open.clone(), ..wanted.clone() }], "{of:?}");
            assert!(read(&mut db, |tx| invoices::issued(tx, of, ("a", id.as_str()), 9)).is_empty());
        }
        assert!(read(&mut db, |tx| invoices::issued(tx, Some("b"), ("", ""), 9)).is_empty());
    });
}

#[test]
fn documents_and_their_files() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a"]);
        let a: CompanyId = "a".parse().unwrap();
        write(&mut db, |tx| invoices::insert(tx, [draft("a", 1)].iter()));
        let new = || NewDocument {
            company_id: a.clone(),
            invoice_id: invoice_id(1),
            sha256: "ab".to_owned(),
            content: long() + AWKWARD,
        };
        write(&mut db, |tx| documents::insert(tx, &[new()]));
        assert!(db.write(|tx| documents::insert(tx, &[new()])).is_err(), "once, for good");
        assert_eq!(read(&mut db, |tx| documents::find(tx, &a, &invoice_id(1))), Some((long() + AWKWARD, "ab".to_owned())));
        assert_eq!(read(&mut db, |tx| documents::find(tx, &a, &invoice_id(2))), None);
        let file = |path: &str, bytes| DocumentFile {
            company_id: a.clone(),
            invoice_id: invoice_id(1),
            path: path.to_owned(),
            place: String::new(),
            sha256: "cd".to_owned(),
            bytes,
        };
        let at = crate::support::now();
        write(&mut db, |tx| documents::put_pdfs(tx, &[file("a.pdf", 1)], at));
        write(&mut db, |tx| documents::put_pdfs(tx, &[file("ä/b.pdf", 5_000_000_000)], at + TimeDelta::days(1)));
        let found = read(&mut db, |tx| documents::pdf(tx, &a, &invoice_id(1))).unwrap();
        assert_eq!((found.path.as_str(), found.bytes), ("ä/b.pdf", 5_000_000_000));
    });
}

#[test]
fn an_invoice_is_held_until_the_transaction_ends() {
    each_engine(|db| {
        let mut one = db.open();
        seed(&mut one, &["a"]);
        write(&mut one, |tx| invoices::insert(tx, [draft("a", 1)].iter()));
        let a: CompanyId = "a".parse().unwrap();
        let before = db.rows("SELECT * FROM invoices");
        assert!(!write(&mut one, |tx| invoices::hold(tx, &a, &invoice_id(2))), "there is none");
        assert!(!write(&mut one, |tx| invoices::hold(tx, &"b".parse().unwrap(), &invoice_id(1))), "it is another's");
        let released = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (held, wait) = std::sync::mpsc::channel();
            let (a, released) = (&a, &released);
            let second = scope.spawn(move || {
                wait.recv().unwrap();
                let mut two = db.open();
                assert!(write(&mut two, |tx| invoices::hold(tx, a, &invoice_id(1))));
                assert!(released.load(std::sync::atomic::Ordering::SeqCst), "the second waits for the first");
            });
            write(&mut one, |tx| {
                assert!(invoices::hold(tx, a, &invoice_id(1))?);
                held.send(()).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(300));
                released.store(true, std::sync::atomic::Ordering::SeqCst);
                Ok(())
            });
            second.join().unwrap();
        });
        assert_eq!(db.rows("SELECT * FROM invoices"), before, "holding changes nothing");
    });
}

#[test]
fn documents_are_found_by_what_is_planned_for_them() {
    each_engine(|db| {
        let mut db = db.open();
        seed(&mut db, &["a", "b"]);
        let all = [draft("a", 1), draft("a", 2), draft("a", 3), draft("b", 4)];
        write(&mut db, |tx| invoices::insert(tx, all.iter()));
        let content = |n: u32| format!("{n} {AWKWARD}");
        let document = |(company, n): (&str, u32)| NewDocument {
            company_id: company.parse().unwrap(),
            invoice_id: invoice_id(n),
            sha256: "ab".to_owned(),
            content: content(n),
        };
        // The third has no document, the second nothing planned.
        write(&mut db, |tx| documents::insert(tx, &[("a", 1), ("a", 2), ("b", 4)].map(document)));
        let effect = |(company, n): (&str, u32)| NewEffect {
            key: format!("pdf:{n}"),
            subject: invoice_id(n).to_string(),
            ..crate::effects::act(company)
        };
        let (kind, at) = (EffectKind::Document, crate::support::now());
        write(&mut db, |tx| effects::plan(tx, kind, &[("a", 1), ("a", 2), ("a", 3), ("b", 4)].map(effect), at));
        let planned = crate::effects::due(&mut db, &Default::default(), 9);
        let mine: Vec<_> = planned.into_iter().filter(|e| e.key != "pdf:2").collect();
        write(&mut db, |tx| effects::start(tx, &mine, "me", Some(at)));
        let found = |db: &mut _, of: &[&str]| read(db, |tx| documents::being_made(tx, of, kind, "me"));
        assert_eq!(found(&mut db, &["a", "b"]), [(invoice_id(1), content(1)), (invoice_id(4), content(4))]);
        assert_eq!(found(&mut db, &["b"]), [(invoice_id(4), content(4))]);
        assert_eq!(read(&mut db, |tx| documents::being_made(tx, &["b"], kind, "other")), []);
    });
}
