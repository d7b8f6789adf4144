//! Changes of contracts, also in periods that are billed already.

use crate::database::{TestDb, each_engine};
use crate::support::{Books, CONTRACTS, author, company, contract, date, now};
use finops::context::{Clock, Ids};
use finops::error::{Error, ErrorKind};
use finops::import::Kind;
use finops::model::{BillableItem, InvoiceId, InvoiceState, Pause};
use finops::operations::contracts::{Amended, Desk, Order, amend, forget_adjustments};
use finops::rules::amend::{Amendment, Terms};
use finops::store::{audit, contracts, invoices, items, pauses};

fn price(price: &str) -> Amendment {
    Amendment::Change(None, Terms { unit_price: Some(price.parse().unwrap()), ..Terms::default() })
}

fn order(on: &str, amendment: Amendment) -> Order {
    Order {
        contract: "care".to_owned(),
        company: None,
        on: date(on),
        amendment,
        at_once: false,
        despite_corrections: false,
        reason: "asked by mail".to_owned(),
        notice: None,
    }
}

fn try_amend(books: &mut Books, order: &Order, dry_run: bool) -> Result<Amended, Error> {
    let (author, ids) = (author(), Ids::seeded(Clock::fixed(now()), 7));
    let work = |tx: &mut finops::store::Tx| amend(tx, Desk { author: &author, as_of: now(), ids: &ids }, order);
    if dry_run { books.db.rehearse(work) } else { books.db.write(work) }
}

#[track_caller]
fn amended(books: &mut Books, on: &str, amendment: Amendment) -> Amended {
    try_amend(books, &order(on, amendment), false).unwrap()
}

/// `days of days: amount` of each line.
fn told(amended: &Amended) -> Vec<String> {
    amended.lines.iter().map(|line| format!("{} of {}: {}", line.days, line.of_days, line.amount)).collect()
}

fn open(books: &mut Books) -> Vec<BillableItem> {
    books.read(|tx| items::open(tx, &["acme"]))
}

fn draft(books: &mut Books, id: &InvoiceId) -> finops::model::FullInvoice {
    let head = books.head(id);
    books.read(|tx| invoices::full(tx, head))
}

/// A contract of ten seats at 5.00, 50.00 a month, that is billed from October 2026 on.
fn books(db: &TestDb) -> Books {
    let mut books = Books::new(db);
    let from = "company_id,contract_id,seller_id,currency,cadence,timing,start,bill_from\nacme,care,de,EUR,monthly,advance,2026-01-01,2026-10-01\n";
    books.import(&[(Kind::Contracts, from)]).unwrap();
    books
}

#[test]
fn a_change_in_a_billed_period_credits_and_charges_once() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        let dry = try_amend(&mut books, &order("2026-10-18", price("6")), true).unwrap();
        assert!(open(&mut books).is_empty(), "a dry run writes nothing");
        let done = amended(&mut books, "2026-10-18", price("6"));
        assert_eq!(done, dry);
        assert_eq!(told(&done), ["14 of 31: -22.58", "14 of 31: 27.10"]);
        assert_eq!(done.total.unwrap().minor(), 452);
        assert_eq!((done.billed_on, done.draft.clone()), (Some(date("2026-11-01")), None));
        let made = open(&mut books);
        let keys: Vec<&str> = made.iter().map(|item| item.source_key.as_str()).collect();
        assert_eq!(keys, done.lines.iter().map(|line| line.source_key.as_str()).collect::<Vec<_>>());
        let adjustment = made[0].adjustment.as_ref().unwrap();
        assert_eq!((adjustment.adjusts, adjustment.supplied_on), (date("2026-10-01"), date("2026-10-31")));
        // Said again, also as what holds a week later, it is nothing.
        for on in ["2026-10-18", "2026-10-25"] {
            assert!(amended(&mut books, on, price("6")).unchanged, "{on}");
        }
        assert_eq!(open(&mut books), made);
        // There and back nets zero, under keys of its own.
        let back = amended(&mut books, "2026-10-18", price("5"));
        assert_eq!(back.total.unwrap().minor(), -452);
        assert_eq!(open(&mut books).len(), 4);
        // The file with the first price still says what holds, and changes nothing.
        assert_eq!(books.schedule().0, Some(date("2026-11-01")));
        let actions: Vec<String> =
            books.read(|tx| audit::page(tx, Some("acme"), ("", 0), 100)).into_iter().map(|row| row.action).collect();
        assert_eq!(actions.iter().filter(|action| *action == "contract.item_changed").count(), 2);
        assert_eq!(actions.iter().filter(|action| *action == "billable_item.added").count(), 4);
    });
}

#[test]
fn what_is_not_billed_becomes_a_version() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let stands = books.invoice("2026-10-01", "2026-11-01", InvoiceState::Draft);
        books.invoice("2026-09-01", "2026-10-01", InvoiceState::Void);
        let done = amended(&mut books, "2026-09-16", price("6"));
        assert_eq!((told(&done), done.stale_drafts), (Vec::new(), 1));
        assert!(books.was_marked(&stands) && open(&mut books).is_empty());
        let versions = books.read(|tx| contracts::items(tx, &company(), &contract()));
        assert_eq!(versions.iter().map(|v| v.valid_from).collect::<Vec<_>>(), [date("2026-01-01"), date("2026-09-16")]);
    });
}

#[test]
fn an_end_in_billed_service_becomes_a_draft_at_once() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Paid);
        amended(&mut books, "2026-10-11", price("6"));
        let done = amended(&mut books, "2026-10-18", Amendment::Cancel);
        assert_eq!(told(&done), ["14 of 31: -27.10"]);
        // With what was still open of the change before: -33.87 + 40.65 - 27.10.
        let id = done.draft.clone().expect("a draft");
        let credit = draft(&mut books, &id);
        assert_eq!((credit.head.net.minor(), credit.lines.len()), (-2032, 3));
        assert!(open(&mut books).is_empty() && books.schedule().0.is_none());
        assert!(amended(&mut books, "2026-10-18", Amendment::Cancel).unchanged);
        // The file does not know of the end, and must not take it back.
        let told = books.told(Kind::Contracts, CONTRACTS);
        assert!(told.starts_with("end: ") && told.contains("finops contracts cancel care --on DATE"), "{told}");
        let without_end = CONTRACTS.replace(",end\n", "\n").replace("2026-01-01,\n", "2026-01-01\n");
        assert_eq!(books.counts(Kind::Contracts, &without_end), (0, 0, 1));
        let back = amended(&mut books, "2026-10-31", Amendment::Reinstate);
        assert_eq!(back.total.unwrap().minor(), 2710);
        assert_eq!(books.schedule().0, Some(date("2026-11-01")));
    });
}

#[test]
fn a_quantity_is_not_below_zero() {
    each_engine(|db| {
        let negative = Amendment::Change(None, Terms { quantity: Some((-1).into()), ..Terms::default() });
        let refused = try_amend(&mut books(db), &order("2026-12-01", negative), false).unwrap_err();
        assert_eq!(refused.message, "the quantity -1 is below 0");
    });
}

#[test]
fn a_pause_gets_another_end_by_being_said_again() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        let until = |day: &str| Amendment::Pause(Some(date(day)));
        assert_eq!(told(&amended(&mut books, "2026-10-10", until("2026-10-20"))), ["10 of 31: -16.13"]);
        assert_eq!(told(&amended(&mut books, "2026-10-10", until("2026-10-25"))), ["5 of 31: -8.06"]);
        assert_eq!(told(&amended(&mut books, "2026-10-10", until("2026-10-15"))), ["10 of 31: 16.13"]);
        assert!(amended(&mut books, "2026-10-10", until("2026-10-15")).unchanged);
    });
}

/// A period that an end had cut is billed to its own end once that is taken back.
#[test]
fn what_is_charged_beyond_a_cut_is_billed_service() {
    each_engine(|db| {
        let mut books = books(db);
        let ended = CONTRACTS.replace("2026-01-01,\n", "2026-01-01,2026-10-18\n");
        books.import(&[(Kind::Contracts, &ended)]).unwrap();
        books.invoice("2026-10-01", "2026-10-18", InvoiceState::Open);
        let done = amended(&mut books, "2026-10-18", Amendment::Reinstate);
        assert_eq!(told(&done), ["14 of 31: 22.58"]);
        let item = "company_id,contract_id,item_id,valid_from,description,unit_price\nacme,care,seats,2026-10-25,Seats,6\n";
        assert!(books.told(Kind::ContractItems, item).contains("service until 2026-11-01 (not included) is issued already"));
    });
}

#[test]
fn a_pause_is_kept_and_ended() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        let done = amended(&mut books, "2026-10-10", Amendment::Pause(None));
        assert_eq!(told(&done), ["22 of 31: -35.48"]);
        let done = amended(&mut books, "2026-10-20", Amendment::Resume);
        assert_eq!(told(&done), ["12 of 31: 19.35"]);
        let kept = books.read(|tx| pauses::of_contract(tx, &company(), &contract()));
        let pause =
            Pause { company_id: company(), contract_id: contract(), from: date("2026-10-10"), until: Some(date("2026-10-20")) };
        assert_eq!(kept, [pause]);
        let refused = try_amend(&mut books, &order("2026-10-20", Amendment::Resume), false).unwrap();
        assert!(refused.unchanged);
        let refused = try_amend(&mut books, &order("2026-10-25", Amendment::Resume), false).unwrap_err();
        assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::Refused, "contract care is not paused on 2026-10-25"));
    });
}

#[test]
fn at_once_is_a_draft_though_the_contract_goes_on() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        let done = try_amend(&mut books, &Order { at_once: true, ..order("2026-10-18", price("6")) }, false).unwrap();
        let made = draft(&mut books, &done.draft.expect("a draft"));
        assert_eq!((made.head.net.minor(), made.head.tax.minor(), made.head.contract_id), (452, 86, None));
        let parts: Vec<_> = made.lines.iter().map(|line| line.proration.map(|part| (part.days, part.of_days))).collect();
        assert_eq!(parts, [Some((14, 31)), Some((14, 31))]);
    });
}

#[test]
fn voiding_the_invoice_forgets_what_corrects_it_or_is_refused() {
    each_engine(|db| {
        let mut books = books(db);
        let billed = books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        amended(&mut books, "2026-10-18", price("6"));
        let head = books.head(&billed);
        // On an invoice that is issued, it would be credited twice.
        let next = books.invoice("2026-11-01", "2026-12-01", InvoiceState::Open);
        let keys: Vec<_> = open(&mut books).into_iter().map(|item| item.source_key).collect();
        let take = |tx: &mut finops::store::Tx| items::take(tx, &company(), &keys[0], &next);
        assert!(books.db.write(take).unwrap());
        let refused = books.db.write(|tx| forget_adjustments(tx, &head)).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Refused);
        assert!(refused.message.contains("invoice R-2 credits or charges that"), "{}", refused.message);
        books.db.write(|tx| items::release(tx, &company(), &next)).unwrap();
        books.db.write(|tx| forget_adjustments(tx, &head)).unwrap();
        assert!(open(&mut books).is_empty());
    });
}

#[test]
fn what_import_may_not_do_names_the_command() {
    each_engine(|db| {
        let mut books = books(db);
        books.invoice("2026-10-01", "2026-11-01", InvoiceState::Open);
        let item = "company_id,contract_id,item_id,valid_from,description,unit_price\nacme,care,seats,2026-10-18,Seats,6\n";
        let told = books.told(Kind::ContractItems, item);
        assert!(told.contains("finops contracts change care --item seats --on DATE"), "{told}");
        let ended = CONTRACTS.replace("2026-01-01,\n", "2026-01-01,2026-10-18\n");
        assert!(books.told(Kind::Contracts, &ended).contains("finops contracts cancel care --on DATE"));
        let key = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price\nacme,change:care:1:1,de,EUR,2026-10-01,x,1,1\n";
        assert!(books.told(Kind::BillableItems, key).starts_with("source_key: keys that begin with change:"));
    });
}

#[test]
fn what_cannot_be_is_refused_with_a_hint() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let mut refused = |order: &Order| try_amend(&mut books, order, false).unwrap_err();
        let unknown = refused(&Order { contract: "none".to_owned(), ..order("2026-10-18", Amendment::Cancel) });
        assert_eq!((unknown.kind, unknown.message.as_str()), (ErrorKind::NotFound, "there is no contract \"none\""));
        let elsewhere = Order { company: Some("other".parse().unwrap()), ..order("2026-10-18", Amendment::Cancel) };
        assert_eq!(refused(&elsewhere).message, "company other has no contract \"care\"");
        let huge = refused(&order("2026-10-18", price("9999999999999999999999999999")));
        assert!(huge.message.starts_with("item seats: quantity × unit price"), "{}", huge.message);
        let card = Order { reason: "4111 1111 1111 1111".to_owned(), ..order("2026-10-18", Amendment::Cancel) };
        assert!(refused(&card).message.contains("payment card"));
    });
}
