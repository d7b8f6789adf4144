//! What customers get of credit notes, and of invoices that another system issued.

use crate::reminders::{configure, mailed, month, on};
use crate::smtp::Server;
use crate::support::{Said, TestEnvironment};

fn text(server: &Server) -> String {
    let taken = server.taken();
    String::from_utf8(taken.last().unwrap().bytes.clone()).unwrap()
}

fn done(environment: &TestEnvironment, args: &[&str]) -> Said {
    let said = environment.finops(args);
    assert_eq!(said.code, 0, "{said}");
    said
}

#[test]
fn a_credit_note_is_mailed_once_with_its_pdf_as_an_answer_to_its_invoice() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-10");
    done(&environment, &["invoices", "send"]);
    server.forget();
    done(&environment, &["invoices", "credit", "INV-2026-000022", "--amount", "10.00", "--reason", "goodwill"]);
    environment.set("FINOPS_TEST_SEED", "1");
    let said = done(&environment, &["invoices", "send", "--json"]).json();
    assert_eq!((&said.last().unwrap()["done"], mailed(&server).len()), (&1.into(), 1), "{said:?}");
    let mail = text(&server);
    for part in ["CN-2026-000001.pdf", "application/pdf", "In-Reply-To: <", "INV-2026-000022"] {
        assert!(mail.contains(part), "no {part} in {mail}");
    }
    assert_eq!(done(&environment, &["invoices", "send"]).all(), "", "once");
    environment.set("FINOPS_TEST_SEED", "2");
    done(&environment, &["invoices", "send", "CN-2026-000001"]);
    assert_eq!(mailed(&server).len(), 2, "by name, once more");
}

const OPENING: &str = "company_id,number,seller_id,currency,amount,issued_on,due_on,reference\n\
    elbe,OLD-7,nordlicht,EUR,119.00,2026-10-20,2026-11-05,PO 7\n";

#[test]
fn an_invoice_of_another_system_is_reminded_of_and_proved_and_left_to_it_otherwise() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-07");
    environment.write("opening_invoices.csv", OPENING);
    done(&environment, &["import", "opening_invoices", "opening_invoices.csv"]);
    done(&environment, &["reminders", "send", "--kind", "overdue"]);
    let mail = text(&server);
    assert!(mail.contains("OLD-7") && !mail.contains("OLD-7.pdf"), "named, without a document: {mail}");
    let statement = done(&environment, &["companies", "statement", "elbe", "--seller", "nordlicht"]);
    assert!(statement.stdout.contains("OLD-7"), "{statement}");
    for (args, told) in [
        (&["invoices", "credit", "OLD-7"][..], "was issued by another system"),
        (&["invoices", "send", "OLD-7"], "was issued by another system"),
        (&["invoices", "pdf", "OLD-7"], "was issued by another system"),
    ] {
        let said = environment.finops(args);
        assert!(said.code == 1 && said.stderr.contains(told) && said.stderr.contains("hint: "), "{said}");
    }
    done(&environment, &["audit", "verify"]);
    done(&environment, &["db", "check"]);
    let books = rusqlite::Connection::open(environment.path("finops-demo/finops.db")).unwrap();
    books.execute_batch("DROP TRIGGER invoices_frozen; UPDATE invoices SET reference = 'PO 8' WHERE number = 'OLD-7'").unwrap();
    let said = environment.finops(&["audit", "verify"]);
    assert!(said.code == 1 && said.stdout.contains("it is not what was taken over from another system"), "{said}");
}

/// The plain text of each mail, as it is read.
fn texts(server: &Server) -> Vec<String> {
    server.taken().iter().map(|mail| read(&String::from_utf8_lossy(&mail.bytes))).collect()
}

fn read(mail: &str) -> String {
    let start = mail.find("Content-Type: text/plain").unwrap();
    let body = &mail[start..][..mail[start..].find("Content-Type: text/html").unwrap()];
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.as_bytes();
    while let [first, tail @ ..] = rest {
        let code =
            (*first == b'=').then(|| tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()));
        match code.flatten() {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]).1,
            None => (bytes.push(*first), rest = tail).1,
        }
    }
    String::from_utf8(bytes).unwrap().replace('\u{a0}', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(text: &str, there: &[&str], absent: &[&str]) {
    for part in there {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    for part in absent {
        assert!(!text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn a_receipt_says_what_was_paid_when_and_how_and_what_is_credit_now() {
    let server = Server::start([]);
    let mut environment = month(&server);
    configure(&environment, "[messages]\ncustomer = [\"invoice.paid\"]\n");
    on(&mut environment, "2026-11-16");
    let pay = |invoice: &str, amount: &str, reference: &str, day: &str| {
        done(
            &environment,
            &["payments", "record", invoice, "--amount", amount, "--date", day, "--ref", reference, "--provider", "bank"],
        );
    };
    pay("INV-2026-000022", "100.00", "TX1", "2026-11-10");
    pay("INV-2026-000022", "9999.00", "TX2", "2026-11-12");
    done(&environment, &["invoices", "send"]);
    let texts = texts(&server);
    let [receipt] = &texts[..] else { panic!("{texts:?}") };
    says(
        receipt,
        &[
            "100,00 EUR · 10. November 2026 · per Überweisung · TX1",
            "9.999,00 EUR · 12. November 2026 · per Überweisung · TX2",
            " mehr bezahlt, als offen war. Der Betrag wird mit offenen Rechnungen oder mit Ihrer nächsten Rechnung verrechnet.",
        ],
        &[],
    );
}

#[test]
fn a_credit_note_says_why_and_what_remains_and_speaks_of_credit_only_where_there_is_some() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-10");
    done(&environment, &["invoices", "credit", "INV-2026-000022", "--amount", "10.00", "--reason", "goodwill"]);
    environment.set("FINOPS_TEST_SEED", "1");
    done(&environment, &["invoices", "send", "CN-2026-000001"]);
    let open = texts(&server).pop().unwrap();
    says(
        &open,
        &["Grund: goodwill", "sinkt dadurch um 10,00 EUR", "bleiben ", "fällig am 15. November 2026"],
        &["nächsten Rechnung"],
    );
    let balance = done(&environment, &["invoices", "show", "INV-2026-000022", "--json"]).json()[0]["balance"].clone();
    let pay =
        ["payments", "record", "INV-2026-000022", "--amount", balance.as_str().unwrap(), "--date", "2026-11-10", "--ref", "TX1"];
    done(&environment, &pay);
    environment.set("FINOPS_TEST_SEED", "2");
    done(&environment, &["invoices", "credit", "INV-2026-000022", "--amount", "5.00", "--reason", "more of it"]);
    environment.set("FINOPS_TEST_SEED", "3");
    done(&environment, &["invoices", "send", "CN-2026-000002"]);
    let paid = texts(&server).pop().unwrap();
    says(
        &paid,
        &["Grund: more of it", "sind 5,00 EUR mehr, als noch offen war", "nächsten Rechnung", "ist nichts mehr zu zahlen"],
        &["sinkt dadurch", "bleiben "],
    );
}

#[test]
fn a_preview_reminds_nobody_of_what_is_paid() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-16");
    let preview = |kind: &str| environment.finops(&["notify", "preview", kind, "--invoice", "INV-2026-000022"]);
    assert!(preview("reminder.overdue").stdout.contains("INV-2026-000022"));
    done(&environment, &["payments", "record", "INV-2026-000022", "--amount", "9999", "--date", "2026-11-10", "--ref", "TX1"]);
    let said = preview("reminder.overdue");
    assert!(said.code == 1 && said.stderr.contains("nothing is owed on invoice INV-2026-000022"), "{said}");
    says(&preview("invoice.paid").stdout.replace('\u{a0}', " "), &["EUR 9,999.00 · 10 November 2026 · TX1"], &[]);
}

fn void(environment: &mut TestEnvironment, seed: &str, number: &str) -> Said {
    environment.set("FINOPS_TEST_SEED", seed);
    done(environment, &["invoices", "void", number, "--reason", "wrong"])
}

#[test]
fn who_has_an_invoice_is_told_once_that_it_is_void() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-10");
    done(&environment, &["invoices", "send", "INV-2026-000022"]);
    server.forget();
    let dry = done(&environment, &["invoices", "void", "INV-2026-000022", "--reason", "wrong", "--dry-run"]);
    says(&dry.stdout, &["INV-2026-000022 would be void", "tells it not to pay: "], &["regenerate"]);
    let said = void(&mut environment, "1", "INV-2026-000022");
    says(&said.stdout, &["INV-2026-000022 is void", "has it; the next finops invoices send tells it not to pay: "], &[]);
    let shown = done(&environment, &["invoices", "show", "INV-2026-000022"]).stdout;
    says(&shown, &["that it is void: to be sent by the next finops invoices send"], &["not sent to anybody"]);
    environment.set("FINOPS_TEST_SEED", "2");
    done(&environment, &["invoices", "regenerate", "INV-2026-000022"]);
    environment.set("FINOPS_TEST_SEED", "3");
    done(&environment, &["invoices", "send"]);
    let [mail] = &server.taken()[..] else { panic!("{:?}", mailed(&server)) };
    let mail = String::from_utf8_lossy(&mail.bytes).into_owned();
    says(&mail, &["In-Reply-To: <", "INV-2026-000022"], &["application/pdf"]);
    says(&read(&mail), &["storniert", "Bitte bezahlen Sie sie nicht", "Sie erhalten eine neue Rechnung"], &[]);
    environment.set("FINOPS_TEST_SEED", "4");
    assert_eq!(done(&environment, &["invoices", "send"]).all(), "", "once");
    let shown = done(&environment, &["invoices", "show", "INV-2026-000022"]).stdout;
    says(&shown, &["\nsent to rechnung@weber", "\nthat it is void: sent to rechnung@weber"], &[]);
}

#[test]
fn who_never_got_an_invoice_hears_nothing_of_its_end() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-10");
    let said = void(&mut environment, "1", "INV-2026-000022");
    assert!(!said.stdout.contains("has it"), "{said}");
    environment.set("FINOPS_TEST_SEED", "2");
    done(&environment, &["invoices", "send"]);
    assert!(texts(&server).iter().all(|text| !text.contains("INV-2026-000022")), "{:?}", texts(&server));
}

#[test]
fn where_cancellations_are_not_told_the_output_says_so() {
    let server = Server::start([]);
    let mut environment = month(&server);
    configure(&environment, "[messages]\ncustomer = [\"invoice.issued\"]\n");
    on(&mut environment, "2026-11-10");
    done(&environment, &["invoices", "send", "INV-2026-000022"]);
    server.forget();
    let said = void(&mut environment, "1", "INV-2026-000022");
    says(&said.stdout, &["has it, and no mail tells it of this: tell it not to pay"], &[]);
    environment.set("FINOPS_TEST_SEED", "2");
    assert_eq!(done(&environment, &["invoices", "send"]).all(), "");
    assert_eq!(mailed(&server).len(), 0);
}

#[test]
fn an_invoice_of_another_system_is_told_to_be_void() {
    let server = Server::start([]);
    let mut environment = month(&server);
    on(&mut environment, "2026-11-07");
    environment.write("opening_invoices.csv", OPENING);
    done(&environment, &["import", "opening_invoices", "opening_invoices.csv"]);
    done(&environment, &["invoices", "send"]);
    server.forget();
    let said = void(&mut environment, "1", "OLD-7");
    says(&said.stdout, &["OLD-7 is void", "tells it not to pay"], &[]);
    environment.set("FINOPS_TEST_SEED", "2");
    done(&environment, &["invoices", "send"]);
    assert_eq!(mailed(&server), ["<ap@elbe.example.org>", "<nowak@elbe.example.org>"]);
    says(&texts(&server)[0], &["OLD-7 dated 20 October 2026 for EUR 119.00 is cancelled"], &["new invoice"]);
}
