use crate::database::each_engine;
use crate::firm::Firm;
use crate::support::{Books, author, company, date, now};
use finops::error::{Error, ErrorKind};
use finops::import::Kind;
use finops::model::{InvoiceId, InvoiceState, Money, Payment};
use finops::operations::invoices::find;
use finops::operations::payments::{Desk, Recorded, record};
use finops::store::credit::balances;

fn payment(reference: &str, minor: i64) -> Payment {
    Payment {
        company_id: company(),
        provider: "bank".to_owned(),
        reference: reference.to_owned(),
        amount: Money::from_minor(minor, "EUR".parse().unwrap()),
        received_on: date("2026-10-20"),
    }
}

fn pay(books: &mut Books, invoice: &InvoiceId, payment: &Payment) -> Result<Recorded, Error> {
    let author = author();
    books.db.write(|tx| {
        let desk = Desk::open(tx, &author, now())?;
        let invoice = find(tx, invoice.as_str(), None)?;
        Ok(record(tx, &desk, &invoice, payment)?)
    })
}

/// (settled, credited, balance, state), in cents.
#[track_caller]
fn paid(books: &mut Books, invoice: &InvoiceId, reference: &str, minor: i64) -> (i64, i64, i64, InvoiceState) {
    let done = pay(books, invoice, &payment(reference, minor)).unwrap();
    (done.settled.minor(), done.credited.minor(), done.balance.minor(), done.state)
}

fn credits(books: &mut Books) -> Vec<i64> {
    books.read(|tx| balances(tx, &[company().as_str()])).iter().map(|balance| balance.amount.minor()).collect()
}

#[test]
fn parts_add_up_to_paid_and_the_rest_is_credit() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let invoice = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        assert_eq!(paid(&mut books, &invoice, "a", 4_000), (4_000, 0, 7_900, InvoiceState::Open));
        assert_eq!(paid(&mut books, &invoice, "b", 8_000), (7_900, 100, 0, InvoiceState::Paid));
        assert_eq!(paid(&mut books, &invoice, "c", 500), (0, 500, 0, InvoiceState::Paid));
        assert_eq!(credits(&mut books), [600]);
        assert_eq!(books.head(&invoice).state, InvoiceState::Paid);

        let lost = books.invoice("2026-02-01", "2026-03-01", InvoiceState::Uncollectible);
        assert_eq!(paid(&mut books, &lost, "d", 11_900), (11_900, 0, 0, InvoiceState::Paid));
    });
}

#[test]
fn a_payment_is_recorded_once() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let invoice = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        let other = books.invoice("2026-02-01", "2026-03-01", InvoiceState::Open);
        let first = pay(&mut books, &invoice, &payment("tx1", 12_000)).unwrap();
        let again = pay(&mut books, &invoice, &payment("tx1", 12_000)).unwrap();
        assert_eq!(again, Recorded { already_recorded: true, ..first });
        assert_eq!(credits(&mut books), [100]);
        for (invoice, different) in [
            (&invoice, payment("tx1", 11_900)),
            (&invoice, Payment { received_on: date("2026-10-21"), ..payment("tx1", 12_000) }),
            (&other, payment("tx1", 12_000)),
        ] {
            let error = pay(&mut books, invoice, &different).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Refused);
            assert!(
                error.message.contains("recorded already, with other content: 120.00 EUR on 2026-10-20 for invoice R-1"),
                "{error}"
            );
        }
        assert_eq!(paid(&mut books, &other, "tx2", 1).2, 11_899, "another reference is another payment");
    });
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let open = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        let draft = books.invoice("2026-02-01", "2026-03-01", InvoiceState::Draft);
        let void = books.invoice("2026-03-01", "2026-04-01", InvoiceState::Void);
        let sound = payment("tx1", 100);
        for (invoice, payment, told) in [
            (&draft, sound.clone(), "is a draft"),
            (&void, sound.clone(), "is void"),
            (&open, payment("tx1", 0), "above 0"),
            (&open, payment("tx1", -1), "above 0"),
            (&open, Payment { received_on: date("2026-11-01"), ..sound.clone() }, "in the future"),
            (&open, Payment { amount: Money::from_minor(100, "USD".parse().unwrap()), ..sound.clone() }, "is in EUR"),
            (&open, Payment { provider: "a:b".to_owned(), ..sound.clone() }, "no provider"),
            (&open, payment(" ", 100), "no reference"),
            (&open, payment("a\nb", 100), "no reference"),
            (&open, Payment { company_id: "other".parse().unwrap(), ..sound.clone() }, "one of company acme"),
        ] {
            let error = pay(&mut books, invoice, &payment).unwrap_err();
            assert!(error.kind == ErrorKind::Refused && error.message.contains(told) && error.hint.is_some(), "{error}");
        }
        assert!(pay(&mut books, &open, &sound).is_ok(), "the reference is still free");
    });
}

#[test]
fn payments_come_by_file_too() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let invoice = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        books.invoice("2026-02-01", "2026-03-01", InvoiceState::Draft);
        let file = "company_id,invoice,amount,currency,received_on,reference\nacme,R-1,119.00,EUR,2026-10-20,s1\n";
        assert_eq!(books.counts(Kind::Payments, file), (1, 0, 0));
        assert_eq!(books.counts(Kind::Payments, file), (0, 0, 1));
        assert_eq!(books.head(&invoice).state, InvoiceState::Paid);
        let told = books.told(Kind::Payments, &format!("{file}acme,R-9,1,EUR,2026-10-20,s2\nacme,R-1,1,EUR,2026-12-01,s3\n"));
        assert!(told.contains("invoice: there is no invoice \"R-9\"") && told.contains("received_on: 2026-12-01"), "{told}");
    });
}

/// A company that two sellers bill, each by numbers that look alike: a row that means either is refused and names both.
#[test]
fn a_number_that_two_sellers_share_names_both() {
    const SELLERS: &str = "seller_id,name,country,time_zone,tax_code,number_format
de,de GmbH,DE,Europe/Berlin,standard,INV-{year}-{seq:06}
at,at GmbH,DE,Europe/Berlin,standard,INV-{year}-{seq:06}
";
    const RATES: &str = "seller_id,tax_code,valid_from,category,rate,name
de,standard,2021-01-01,S,19,VAT 19 %
at,standard,2021-01-01,S,20,VAT 20 %
";
    const ITEMS: &str = "company_id,source_key,seller_id,currency,dated,description,unit_price
acme,one,de,EUR,2026-10-05,Work,100
acme,two,at,EUR,2026-10-05,Work,100
";
    const HEAD: &str = "company_id,invoice,amount,currency,received_on,reference\n";
    each_engine(|db| {
        let files = [
            (Kind::Sellers, SELLERS),
            (Kind::TaxRates, RATES),
            (Kind::Companies, "company_id,name,country\nacme,Acme,DE\n"),
            (Kind::BillableItems, ITEMS),
        ];
        let mut firm = Firm::new(db, "2026-11-02T10:00:00Z", &files);
        assert_eq!(firm.bill(), (2, 2));
        let number = "INV-2026-000001";
        let ids = db.rows("SELECT seller_id, invoice_id FROM invoices ORDER BY seller_id");
        let row =
            |invoice: &str, amount: &str, reference: &str| format!("{HEAD}acme,{invoice},{amount},EUR,2026-11-02,{reference}\n");
        let refused = firm.import(&[(Kind::Payments, &row(number, "119.00", "s1"))]).unwrap_err();
        let [problem] = refused.problems.as_slice() else { panic!("{:?}", refused.problems) };
        for id in &ids {
            let named = format!("{} of seller {}, company acme", id[1], id[0]);
            assert!(problem.reason.contains(&named), "{named}: {problem:?}");
        }
        assert!(problem.reason.ends_with("; name the id"), "{problem:?}");
        assert_eq!(db.rows("SELECT reference FROM payments").len(), 0);

        // As it says.
        firm.import(&[(Kind::Payments, &row(&ids[1][1], "119.00", "s1"))]).unwrap();
        let states = db.rows("SELECT seller_id, state FROM invoices ORDER BY seller_id");
        assert_eq!(states, [["at", "open"], ["de", "paid"]]);
    });
}
