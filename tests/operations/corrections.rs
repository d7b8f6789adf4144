//! Credit notes, company credit, write-offs, edited drafts: on a business that the jobs billed.

use crate::database::{TestDb, each_engine};
use crate::firm::Firm;
use crate::support::date;
use finops::error::{Error, ErrorKind};
use finops::import::Kind;
use finops::model::{FullInvoice, InvoiceState};
use finops::operations::credit::Refund;
use finops::operations::credit_notes::Request;
use finops::operations::edit::{Change, edit};
use finops::operations::invoices::{find, regenerate, uncollectible, void};
use finops::rules::edit::{Edit, Fields};

const SELLERS: &str = "seller_id,name,country,time_zone,tax_code\nde,Muster GmbH,DE,Europe/Berlin,standard\n";
const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name\nde,standard,2021-01-01,S,19,VAT 19 %
de,reduced,2021-01-01,S,7,VAT 7 %\n";
const COMPANIES: &str = "company_id,name,country\nacme,Acme,DE\nother,Other,DE\n";
const CONTRACTS: &str = "company_id,contract_id,seller_id,currency,cadence,timing,start
acme,care,de,EUR,monthly,advance,2026-10-01\nother,care,de,EUR,monthly,advance,2026-10-01\n";
/// 119.00 and 10.70 a month.
const ITEMS: &str = "company_id,contract_id,item_id,description,quantity,unit_price,tax_code
acme,care,a,Books,1,10.00,reduced\nacme,care,b,Seats,10,10.00,\nother,care,a,Seats,1,1.00,\n";

/// In October; the invoice of `acme` over 129.70 is INV-2026-000001.
fn firm(db: &TestDb) -> Firm {
    let files = [
        (Kind::Sellers, SELLERS),
        (Kind::TaxRates, RATES),
        (Kind::Companies, COMPANIES),
        (Kind::Contracts, CONTRACTS),
        (Kind::ContractItems, ITEMS),
    ];
    let mut firm = Firm::new(db, "2026-10-05T10:00:00Z", &files);
    assert_eq!(firm.bill(), (2, 2));
    firm
}

const INVOICE: &str = "INV-2026-000001";

fn next_month(firm: &mut Firm) {
    firm.at = "2026-11-02T10:00:00Z".to_owned();
    assert_eq!(firm.bill(), (2, 2));
}

#[track_caller]
fn refused<T>(result: Result<T, Error>, told: &str) {
    let Err(error) = result else { panic!("it is not refused: {told}") };
    assert!(error.kind == ErrorKind::Refused && error.message.contains(told) && error.hint.is_some(), "{told}: {error}");
}

fn by_lines(lines: &[u32]) -> Request {
    Request { lines: lines.to_vec(), ..Request::default() }
}

#[test]
fn statements_tell_of_credit_that_was_taken_over() {
    each_engine(|db| {
        let mut firm = firm(db);
        let credit = "company_id,reference,seller_id,currency,amount,dated\nacme,c1,de,EUR,50.00,2026-09-30\n";
        firm.import(&[(Kind::OpeningCredits, credit)]).unwrap();
        firm.is_sound();
        next_month(&mut firm);
        assert_eq!(firm.stands("INV-2026-000003"), "79.70 open");
        firm.is_sound();
        firm.pay("INV-2026-000003", 7970, "p1");
        firm.pay(INVOICE, 12_970, "p2");
        firm.is_sound();
    });
}

#[test]
fn what_remains_is_lowered_first_and_the_rest_is_credit_for_the_next_invoice() {
    each_engine(|db| {
        let mut firm = firm(db);
        let made = firm.credit(INVOICE, &Request { reason: "no books".to_owned(), ..by_lines(&[1]) }).unwrap();
        assert_eq!((made.note.head.number.as_deref(), made.note.head.total.minor()), (Some("CN-2026-000001"), 1070));
        assert_eq!((made.settled.minor(), made.credited.minor(), made.balance.minor()), (1070, 0, 11_900));
        assert_eq!((made.note.head.state, firm.stands(INVOICE)), (InvoiceState::Issued, "119.00 open".to_owned()));
        assert!(firm.credit_of("acme").is_empty());
        firm.pay(INVOICE, 10_000, "tx1");
        let made = firm.credit_amount(INVOICE, "60.00");
        assert_eq!((made.settled.minor(), made.credited.minor(), made.invoice_state), (1900, 4100, InvoiceState::Paid));
        assert_eq!((firm.stands(INVOICE), firm.credit_of("acme")), ("0.00 paid".to_owned(), vec!["de 41.00 EUR".to_owned()]));
        firm.is_sound();

        next_month(&mut firm);
        assert_eq!((firm.stands("INV-2026-000003"), firm.credit_of("acme")), ("88.70 open".to_owned(), vec![]));
        assert_eq!(firm.stands("INV-2026-000004"), "1.19 open", "the credit is of its company alone");
        assert_eq!(firm.pay("INV-2026-000003", 8870, "tx2").state, InvoiceState::Paid);
        firm.is_sound();
        assert_eq!(db.value("SELECT COUNT(*) FROM effects WHERE kind = 'document' AND state = 'planned'"), "0");
        let sum = "SELECT SUM(amount_minor) FROM credit_entries";
        assert_eq!(db.value(sum), "0", "each credit entry has its use");
    });
}

#[test]
fn an_invoice_that_credit_covers_is_paid_and_its_credit_comes_back_only_by_a_credit_note() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.pay(INVOICE, 12_970 + 20_000, "tx1");
        assert_eq!(firm.credit_of("acme"), ["de 200.00 EUR"]);
        next_month(&mut firm);
        assert_eq!(
            (firm.stands("INV-2026-000003"), firm.credit_of("acme")),
            ("0.00 paid".to_owned(), vec!["de 70.30 EUR".to_owned()])
        );
        let document = db.value("SELECT content FROM invoice_documents d JOIN invoices i ON i.invoice_id = d.invoice_id AND i.company_id = d.company_id WHERE i.number = 'INV-2026-000003'");
        assert!(document.contains(r#""credit_applied":"129.70""#), "{document}");
        refused(
            firm.by_hand(|tx, ctx| {
                let invoice = find(tx, "INV-2026-000003", None)?;
                void(tx, ctx, &invoice, "")
            }),
            "paid by the company's credit",
        );
        firm.credit("INV-2026-000003", &Request::default()).unwrap();
        assert_eq!(firm.credit_of("acme"), ["de 200.00 EUR"]);
        firm.is_sound();
    });
}

#[test]
fn what_comes_on_a_void_invoice_is_credit_when_somebody_says_so() {
    each_engine(|db| {
        let mut firm = firm(db);
        refused(firm.try_pay(INVOICE, 100, "tx0", true), "--as-credit is for money that came on a void one");
        let invoice = firm.invoice(INVOICE);
        firm.at = "2026-10-20T10:00:00Z".to_owned();
        firm.by_hand(|tx, ctx| void(tx, ctx, &invoice, "wrong").map(drop)).unwrap();
        refused(firm.try_pay(INVOICE, 12_970, "tx1", false), "is void, and nobody owes anything on it");
        for already_recorded in [false, true] {
            let recorded = firm.try_pay(INVOICE, 12_970, "tx1", true).unwrap();
            assert_eq!(
                (recorded.already_recorded, recorded.settled.minor(), recorded.credited.minor(), recorded.balance.minor()),
                (already_recorded, 0, 12_970, 0)
            );
            assert_eq!((recorded.state, firm.credit_of("acme")), (InvoiceState::Void, vec!["de 129.70 EUR".to_owned()]));
        }
        firm.is_sound();
        let until = |firm: &mut Firm, to: &str| {
            let (acme, de) = ("acme".parse().unwrap(), "de".parse().unwrap());
            let account = firm.db.read(|tx| finops::store::statement::account(tx, &acme, &de, date(to))).unwrap();
            let told: Vec<String> = account.movements.iter().map(|m| format!("{} {} {}", m.on, m.kind, m.change)).collect();
            (told, account.debts.len())
        };
        let issued = firm.invoice(INVOICE).issued_on.unwrap();
        let invoice = format!("{issued} invoice 129.70");
        assert_eq!(until(&mut firm, "2026-10-19"), (vec![invoice.clone()], 1), "owed until it was voided");
        let (void, paid) = ("2026-10-20 void -129.70".to_owned(), "2026-10-20 payment -129.70".to_owned());
        assert_eq!(until(&mut firm, "2026-10-20"), (vec![void, invoice, paid], 0));
    });
}

#[test]
fn a_voided_invoice_gives_back_the_credit_that_it_used() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.pay(INVOICE, 12_970 + 500, "tx1");
        next_month(&mut firm);
        assert_eq!((firm.stands("INV-2026-000003"), firm.credit_of("acme")), ("124.70 open".to_owned(), vec![]));
        let draft = firm.by_hand(|tx, ctx| {
            let invoice = find(tx, "INV-2026-000003", None)?;
            void(tx, ctx, &invoice, "wrong")?;
            let voided = find(tx, "INV-2026-000003", None)?;
            regenerate(tx, ctx, &voided)
        });
        assert_eq!(draft.unwrap().head.total.minor(), 12_970);
        assert_eq!(firm.credit_of("acme"), ["de 5.00 EUR"]);
        assert_eq!(firm.issue(), 1);
        assert_eq!((firm.stands("INV-2026-000005"), firm.credit_of("acme")), ("124.70 open".to_owned(), vec![]));
        firm.is_sound();
    });
}

#[test]
fn the_same_reference_makes_no_second_credit_note() {
    each_engine(|db| {
        let mut firm = firm(db);
        let request = Request {
            key: "ticket 1".to_owned(),
            reason: "less".to_owned(),
            amount: Some("50".parse().unwrap()),
            ..Request::default()
        };
        let made = firm.credit(INVOICE, &request).unwrap();
        let again = firm.credit(INVOICE, &request).unwrap();
        assert_eq!(again, finops::operations::credit_notes::Made { already_made: true, ..made });
        for different in [
            Request { amount: Some("51".parse().unwrap()), ..request.clone() },
            Request { amount: None, ..request.clone() },
            Request { reason: "other".to_owned(), ..request.clone() },
            Request { lines: vec![1], ..request.clone() },
        ] {
            refused(firm.credit(INVOICE, &different), "made credit note CN-2026-000001 already, with other content: 50.00 EUR");
        }
        let whole = Request { key: "all".to_owned(), ..Request::default() };
        firm.credit(INVOICE, &whole).unwrap();
        assert!(firm.credit(INVOICE, &whole).unwrap().already_made);
        assert_eq!(db.value("SELECT COUNT(*) FROM invoices WHERE kind = 'credit_note'"), "2");
        firm.is_sound();
    });
}

#[test]
fn who_does_not_know_whether_it_got_through_asks_again_by_its_id() {
    each_engine(|db| {
        let mut firm = firm(db);
        let id = Some("0199b000-0000-7000-8000-000000000001".parse().unwrap());
        let request = Request { id, amount: Some("50".parse().unwrap()), ..Request::default() };
        let made = firm.credit(INVOICE, &request).unwrap();
        assert_eq!(firm.credit(INVOICE, &request).unwrap(), made);
        assert_eq!(db.value("SELECT COUNT(*) FROM invoices WHERE kind = 'credit_note'"), "1");
        assert_eq!(firm.stands(INVOICE), "79.70 open");
    });
}

#[test]
fn what_cannot_be_credited_is_refused_and_leaves_no_gap() {
    each_engine(|db| {
        let mut firm = firm(db);
        let amount = |text: &str| Request { amount: Some(text.parse().unwrap()), ..Request::default() };
        refused(firm.credit(INVOICE, &amount("129.71")), "129.70 is left to be credited, and 129.71 is more (EUR)");
        refused(firm.credit(INVOICE, &by_lines(&[3])), "no line 3");
        refused(firm.credit(INVOICE, &amount("0")), "above 0");
        refused(
            firm.credit(INVOICE, &Request { reason: "4111 1111 1111 1111".to_owned(), ..Request::default() }),
            "payment card",
        );
        refused(firm.credit(INVOICE, &Request { reason: "x 漢".to_owned(), ..Request::default() }), "no font has");
        assert_eq!(firm.credit(INVOICE, &amount("1.001")).unwrap_err().kind, ErrorKind::Usage);
        firm.at = "2026-10-04T10:00:00Z".to_owned();
        refused(firm.credit(INVOICE, &Request::default()), "and today is 2026-10-04");
        firm.at = "2026-10-05T12:00:00Z".to_owned();
        firm.credit(INVOICE, &Request::default()).unwrap();
        refused(firm.credit(INVOICE, &Request::default()), "nothing of it is left");
        refused(firm.credit("CN-2026-000001", &Request::default()), "is a credit note");
        refused(
            firm.by_hand(|tx, ctx| {
                let invoice = find(tx, INVOICE, None)?;
                void(tx, ctx, &invoice, "")
            }),
            "has credit notes",
        );
        firm.by_hand(|tx, ctx| {
            let invoice = find(tx, "INV-2026-000002", None)?;
            void(tx, ctx, &invoice, "")
        })
        .unwrap();
        refused(firm.credit("INV-2026-000002", &Request::default()), "is void");
        firm.is_sound();
    });
}

#[test]
fn credit_is_paid_out_once_a_reference_and_never_more_than_there_is() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.pay(INVOICE, 12_970 + 1000, "tx1");
        let refund = |amount: &str, reference: &str| Refund {
            company_id: "acme".parse().unwrap(),
            seller_id: None,
            currency: None,
            amount: amount.parse().unwrap(),
            reference: reference.to_owned(),
            reason: String::new(),
        };
        refused(firm.refund(&refund("10.01", "b1")), "has 10.00 EUR of credit with seller de, and 10.01 is more");
        let done = firm.refund(&refund("10.00", "b1")).unwrap();
        assert_eq!((done.left.minor(), firm.credit_of("acme")), (0, vec![]));
        assert!(firm.refund(&refund("10.00", "b1")).unwrap().already_recorded);
        refused(firm.refund(&refund("9.00", "b1")), "recorded already, with other content");
        refused(firm.refund(&refund("1.00", "b2")), "has no such credit");
        firm.is_sound();
        next_month(&mut firm);
        assert_eq!(firm.stands("INV-2026-000003"), "129.70 open", "what was paid out settles nothing");
    });
}

#[test]
fn a_written_off_invoice_is_still_owed_and_may_be_paid_credited_or_voided() {
    each_engine(|db| {
        let mut firm = firm(db);
        let write_off = |firm: &mut Firm, number: &'static str| {
            firm.by_hand(move |tx, ctx| {
                let invoice = find(tx, number, None)?;
                uncollectible(tx, ctx, &invoice, "insolvent")
            })
        };
        assert_eq!(write_off(&mut firm, INVOICE).unwrap().state, InvoiceState::Uncollectible);
        assert_eq!(firm.stands(INVOICE), "129.70 uncollectible");
        let twice = write_off(&mut firm, INVOICE).unwrap_err();
        assert!(twice.message.contains("is uncollectible and cannot become uncollectible"), "{twice}");
        firm.is_sound();
        firm.pay(INVOICE, 1000, "tx1");
        firm.credit(INVOICE, &Request::default()).unwrap();
        assert_eq!((firm.stands(INVOICE), firm.credit_of("acme")), ("0.00 paid".to_owned(), vec!["de 10.00 EUR".to_owned()]));
        write_off(&mut firm, "INV-2026-000002").unwrap();
        firm.by_hand(|tx, ctx| {
            let invoice = find(tx, "INV-2026-000002", None)?;
            void(tx, ctx, &invoice, "")
        })
        .unwrap();
        firm.is_sound();
    });
}

fn change(firm: &mut Firm, id: &str, wanted: &Edit) -> Result<Change, Error> {
    firm.by_hand(|tx, ctx| {
        let draft = find(tx, id, None)?;
        edit(tx, ctx, &draft, wanted)
    })
}

/// (description, amount) of each line, and the total.
fn lines(invoice: &FullInvoice) -> (Vec<(&str, i64)>, i64) {
    let lines = invoice.lines.iter().map(|l| (l.description.as_str(), l.amount.minor()));
    (lines.collect(), invoice.head.total.minor())
}

#[test]
fn the_sums_of_an_edited_draft_follow_and_it_is_not_made_anew() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.at = "2026-11-02T10:00:00Z".to_owned();
        let items = "company_id,source_key,seller_id,currency,dated,description,unit_price\nacme,t1,de,EUR,2026-10-06,Work,50\n";
        firm.import(&[(Kind::BillableItems, items)]).unwrap();
        assert_eq!(firm.generate(), 2);
        let id = db.value("SELECT invoice_id FROM invoices WHERE state = 'draft' AND company_id = 'acme'");
        let decimal = |text: &str| Some(text.parse().unwrap());
        let discount = Fields { description: Some("Discount".to_owned()), unit_price: decimal("-20"), ..Fields::default() };
        let wanted =
            Edit { remove: vec![3], set: Some((2, Fields { quantity: decimal("8"), ..Fields::default() })), add: Some(discount) };
        let done = change(&mut firm, &id, &wanted).unwrap();
        assert_eq!(lines(&done.before), (vec![("Books", 1000), ("Seats", 10_000), ("Work", 5000)], 1070 + 17_850));
        // 10.00 at 7 %, 80.00 − 20.00 at 19 %.
        assert_eq!(lines(&done.edited.invoice), (vec![("Books", 1000), ("Seats", 8000), ("Discount", -2000)], 1070 + 7140));
        assert_eq!(done.edited.released.iter().map(|k| k.as_str()).collect::<Vec<_>>(), ["t1"]);
        let stored = firm.invoice(&id);
        let stored = firm.db.read(|tx| finops::store::invoices::full(tx, stored)).unwrap();
        assert_eq!(stored, done.edited.invoice);
        assert!(stored.head.edited);
        assert_eq!(db.value("SELECT COUNT(*) FROM billable_items WHERE invoice_id IS NULL"), "1", "it is billed by another one");
        firm.is_sound();

        // An input changes: it is reported, and left as it is until somebody looks at it again.
        firm.import(&[(Kind::ContractItems, &ITEMS.replace("10.00,\n", "11.00,\n"))]).unwrap();
        firm.generate();
        let now = firm.invoice(&id);
        assert!(now.stale && now.total == done.edited.invoice.head.total);
        let again = Edit { set: Some((1, Fields { tax_code: "standard".parse().ok(), ..Fields::default() })), ..Edit::default() };
        let done = change(&mut firm, &id, &again).unwrap();
        assert_eq!((done.edited.invoice.head.total.minor(), done.edited.invoice.head.stale), (8330, false));
        assert_eq!(firm.issue(), 3, "the released item has an invoice of its own");
        refused(change(&mut firm, &id, &again), "what is issued never changes");
        firm.is_sound();
    });
}

#[test]
fn what_would_be_no_draft_any_more_is_refused() {
    each_engine(|db| {
        let mut firm = firm(db);
        firm.at = "2026-11-02T10:00:00Z".to_owned();
        firm.generate();
        let id = db.value("SELECT invoice_id FROM invoices WHERE state = 'draft' AND company_id = 'acme'");
        let fields = Fields::default;
        for (wanted, told) in [
            (Edit { remove: vec![1, 2], ..Edit::default() }, "no line would be left"),
            (Edit { remove: vec![3], ..Edit::default() }, "no line 3"),
            (Edit { remove: vec![1], set: Some((1, fields())), ..Edit::default() }, "both removed and set"),
            (Edit { add: Some(fields()), ..Edit::default() }, "needs a description"),
            (
                Edit { set: Some((1, Fields { tax_code: "none".parse().ok(), ..fields() })), ..Edit::default() },
                "no tax rate for code none",
            ),
            (
                Edit { add: Some(Fields { description: Some("4111 1111 1111 1111".to_owned()), ..fields() }), ..Edit::default() },
                "payment card",
            ),
        ] {
            let error = change(&mut firm, &id, &wanted).unwrap_err();
            assert!(error.kind == ErrorKind::Refused && error.message.contains(told), "{told}: {error}");
        }
        firm.import(&[(Kind::ContractItems, &ITEMS.replace("10.00,\n", "11.00,\n"))]).unwrap();
        refused(change(&mut firm, &id, &Edit { remove: vec![1], ..Edit::default() }), "is stale");
    });
}

/// Who gets no invoice any more has the credit used on what is open.
#[test]
fn credit_is_used_on_an_open_invoice() {
    each_engine(|db| {
        let mut firm = firm(db);
        next_month(&mut firm);
        // 129.70 twice; the first is overpaid by 100.
        firm.pay(INVOICE, 22_970, "TX1");
        assert_eq!((firm.stands(INVOICE), firm.credit_of("acme")), ("0.00 paid".to_owned(), vec!["de 100.00 EUR".to_owned()]));
        let open = db.value("SELECT number FROM invoices WHERE company_id = 'acme' AND state = 'open'");
        let apply = |firm: &mut Firm, number: &str| {
            let invoice = firm.invoice(number);
            firm.by_hand(|tx, ctx| finops::operations::credit::apply(tx, ctx, &invoice))
        };
        let applied = apply(&mut firm, &open).unwrap();
        assert_eq!((applied.amount.minor(), applied.balance.minor(), applied.left.minor()), (10_000, 2_970, 0));
        assert_eq!(firm.stands(&open), "29.70 open");
        assert!(firm.credit_of("acme").is_empty());
        assert!(apply(&mut firm, &open).unwrap().amount.is_zero(), "again it is nothing");
        // More comes, and settles the rest.
        firm.credit_amount(INVOICE, "50.00");
        let applied = apply(&mut firm, &open).unwrap();
        assert_eq!((applied.amount.minor(), applied.invoice_state, applied.left.minor()), (2_970, InvoiceState::Paid, 2_030));
        assert_eq!(firm.stands(&open), "0.00 paid");
        assert!(apply(&mut firm, INVOICE).unwrap().amount.is_zero(), "nothing is open of it");
        firm.is_sound();
    });
}
