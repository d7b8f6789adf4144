//! What customers get of credit notes, and of invoices that another system issued.

use crate::reminders::{mailed, month, on};
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
