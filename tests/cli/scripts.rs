//! Names in scripts that documents cannot show: told when they come in, and what goes out all the same.

use crate::reminders::{mailed, month, on};
use crate::smtp::Server;
use crate::support::TestEnvironment;

const HEBREW: &str = "company_id,name,country\nweber,וובר בעמ,DE\n";

#[test]
fn a_name_that_documents_cannot_show_is_told_of_by_the_import() {
    let mut environment = month(&Server::start([]));
    environment.write("companies.csv", HEBREW);
    for more in [&["--dry-run"][..], &[]] {
        let said = environment.finops(&[&["import", "companies", "companies.csv"], more].concat());
        assert_eq!(said.code, 0, "{said}");
        for part in ["companies.csv:2:7: name \"וובר בעמ\"", "whatever the font", "hint: write it in Latin letters"] {
            assert!(said.stderr.contains(part), "no {part} in {said}");
        }
    }
    // Of a script that a font would have, that is said.
    environment.write("companies.csv", "company_id,name,country\nweber,ヴェーバー,DE\n");
    let said = environment.finops(&["import", "companies", "companies.csv"]);
    assert!(said.code == 0 && said.stderr.contains("fallback_fonts"), "{said}");
    environment.write("companies.csv", "company_id,name,country\nweber,Wéber Ж Ω,DE\n");
    let said = environment.finops(&["import", "companies", "companies.csv"]);
    assert!(said.code == 0 && !said.stderr.contains("warning"), "{said}");
    // Nothing is issued that cannot be printed, and the reason is the true one.
    environment.write("companies.csv", HEBREW);
    assert_eq!(environment.finops(&["import", "companies", "companies.csv"]).code, 0);
    on(&mut environment, "2026-12-01");
    assert_eq!(environment.finops(&["invoices", "generate", "--company-id", "weber", "--yes"]).code, 0);
    on(&mut environment, "2026-12-02");
    let said = environment.finops(&["invoices", "issue", "--company-id", "weber"]);
    assert_eq!(said.code, 3, "{said}");
    for part in ["buyer.name has", "whatever the font", "hint: write it in Latin letters"] {
        assert!(said.stderr.contains(part), "no {part} in {said}");
    }
    assert!(!said.stderr.contains("which no font has"), "{said}");
}

fn renamed(server: &Server) -> TestEnvironment {
    let mut environment = month(server);
    environment.write("companies.csv", HEBREW);
    assert_eq!(environment.finops(&["import", "companies", "companies.csv"]).code, 0);
    on(&mut environment, "2026-11-16");
    environment
}

#[test]
fn a_reminder_goes_without_a_statement_that_cannot_be_printed() {
    let server = Server::start([]);
    let environment = renamed(&server);
    let said = environment.finops(&["reminders", "send", "--kind", "overdue", "--company-id", "weber"]);
    assert_eq!((said.code, mailed(&server).len()), (0, 1), "{said}");
    let told = said.stderr.matches("goes without its statement of account").count();
    assert!(told == 1 && said.stderr.contains("hint: write it in Latin letters"), "{said}");
    let mail = String::from_utf8(server.taken().remove(0).bytes).unwrap();
    assert!(mail.contains("INV-2026-000022.pdf") && !mail.contains("statement-"), "{mail}");
    // A statement that was asked for is all that its mail is for.
    let said = environment.finops(&["companies", "statement", "weber", "--mail"]);
    assert!(said.code != 0 && mailed(&server).len() == 1, "{said}");
}
