use crate::support::TestEnvironment;
use insta::assert_snapshot;

const FLAGS: [&str; 4] = ["--date", "2026-10-20", "--ref", "TX1"];

/// An open invoice over 119.00 EUR, and a draft.
fn books() -> TestEnvironment {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    environment.write("sellers.csv", "seller_id,name,address_line1,postal_code,city,country,time_zone,tax_code\nde,Muster,Weg 1,10115,Berlin,DE,Europe/Berlin,standard\n");
    environment
        .write("companies.csv", "company_id,name,address_line1,postal_code,city,country\nacme,Acme,Weg 2,10115,Berlin,DE\n");
    assert_eq!(environment.finops(&["import", "."]).code, 0);
    let path = environment.path("finops.db");
    let mut db =
        finops::store::Db::open(finops::store::Target::Sqlite(&path), std::time::Duration::from_secs(5)).expect("it opens");
    let written = db.write(|tx| {
        const INSERT: &str =
            "INSERT INTO invoices VALUES ('acme', $1, $2, 'de', 'EUR', '', '2026-10-01', '2026-11-01', 0, $3, $4, $4,
          14, 0, '', 10000, 1900, 11900, 0, 0, 'invoice', '', '', '')";
        use finops::store::Val;
        tx.execute(INSERT, &["0199a000-0000-7000-8000-000000000001".into(), "open".into(), "R-1".into(), "2026-10-01".into()])?;
        tx.execute(INSERT, &["0199a000-0000-7000-8000-000000000002".into(), "draft".into(), Val::Null, Val::Null])?;
        Ok::<_, finops::store::StoreError>(())
    });
    written.expect("the invoices are written");
    environment
}

#[test]
fn recorded_once_and_shown() {
    let environment = books();
    let pay = |more: &[&str]| environment.finops(&[&["payments", "record", "R-1"], &FLAGS[..], more].concat());
    assert_snapshot!("payment_dry_run", pay(&["--amount", "130.00", "--dry-run"]));
    assert_snapshot!("payment_recorded", pay(&["--amount", "130.00"]));
    assert_snapshot!("payment_again", pay(&["--amount", "130.00"]));
    assert_snapshot!("payment_again_json", pay(&["--amount", "130.00", "--json"]));
    assert_snapshot!("payment_other_content", pay(&["--amount", "1.00", "--json"]));
    let list = environment.finops(&["payments", "list", "R-1"]);
    assert_snapshot!("payment_list", list);
    let of = |company: &str| environment.finops(&["payments", "list", "R-1", "--company-id", company]);
    assert_eq!(of("acme").stdout, list.stdout);
    assert!(of("other").stderr.contains("no invoice \"R-1\" of company other"));
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let environment = books();
    let pay = |invoice: &str, amount: &str| {
        environment.finops(&[&["payments", "record", invoice, "--amount", amount], &FLAGS[..]].concat())
    };
    let pay_by = |reference: &str, provider: &str| {
        let args = ["payments", "record", "R-1", "--amount", "1", "--date", "2026-10-20", "--ref", reference];
        environment.finops(&[&args[..], &["--provider", provider]].concat())
    };
    for (said, code, text) in [
        (pay("0199a000-0000-7000-8000-000000000002", "1"), 1, "finops invoices issue"),
        (pay("R-7", "1"), 1, "there is no invoice \"R-7\""),
        (pay("R-1", "1.005"), 2, "--amount"),
        (pay("R-1", "-1"), 1, "above 0"),
        (pay("R-1", "1,50"), 2, "1234.50"),
        (pay_by("4111.1111.1111.1111", "bank"), 1, "payment card (ending 1111)"),
        (pay_by("TX\u{202e}2", "bank"), 1, "U+202E"),
        (pay_by("TX2", "4111111111111111"), 1, "payment card (ending 1111)"),
        (environment.finops(&["invoices", "void", "R-1", "--reason", "4111 1111 1111 1111"]), 1, "payment card"),
    ] {
        assert!(said.code == code && said.stderr.contains(text), "{text}: {said}");
        assert!(!said.all().contains("11111"), "a number is never repeated: {said}");
    }
}
