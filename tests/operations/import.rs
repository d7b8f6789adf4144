use crate::database::each_engine;
use crate::support::{Books, COMPANIES, CONTRACTS, ITEMS, RATES, SELLERS, company, contract, date, now};
use finops::import::Kind;
use finops::model::InvoiceState;
use finops::store::runs::RunItem;
use finops::store::{check, companies, items, runs, sellers};
use std::path::Path;

const ITEM: &str = "company_id,source_key,seller_id,currency,dated,description,unit_price\n";

/// A picture that can be printed.
const LOGO: &[u8] = include_bytes!("../render/files/logo.png");

#[test]
fn the_same_files_again_change_nothing() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let all = [
            (Kind::Sellers, SELLERS),
            (Kind::TaxRates, RATES),
            (Kind::Companies, COMPANIES),
            (Kind::Contracts, CONTRACTS),
            (Kind::ContractItems, ITEMS),
        ];
        let before = books.schedule();
        let summary = books.import(&all).unwrap();
        assert!(!summary.something_changed(), "{summary:?}");
        assert_eq!(books.schedule(), before);
        assert_eq!(books.read(check::row_counts).into_iter().find(|c| c.0 == "audit_log"), Some(("audit_log", 5)));
    });
}

#[test]
fn the_examples_import_twice() {
    each_engine(|db| {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data");
        let mut books = Books::empty(db);
        books.write("nordlicht.png", std::fs::read(examples.join("nordlicht.png")).unwrap());
        let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|k| examples.join(k.file_name()).exists()).collect();
        let texts: Vec<String> = kinds.iter().map(|k| std::fs::read_to_string(examples.join(k.file_name())).unwrap()).collect();
        let files: Vec<(Kind, &str)> = kinds.iter().copied().zip(texts.iter().map(String::as_str)).collect();
        let first = books.import(&files).unwrap();
        assert!(first.kinds.values().all(|c| c.added > 0 && c.changed + c.unchanged == 0), "{first:?}");
        let second = books.import(&files).unwrap();
        assert!(second.kinds.values().all(|c| c.unchanged > 0 && c.added + c.changed == 0), "{second:?}");
    });
}

#[test]
fn the_templates_import_twice() {
    each_engine(|db| {
        let mut books = Books::empty(db);
        books.write("logo.png", LOGO);
        let texts: Vec<String> = Kind::ALL.iter().map(|k| k.template()).collect();
        let templates = Kind::ALL.iter().copied().zip(texts.iter().map(String::as_str));
        // Nothing is issued yet that could be paid, and the item of the templates has no tiers.
        let templates = templates.filter(|f| !matches!(f.0, Kind::Payments | Kind::PriceTiers));
        let templates: Vec<(Kind, &str)> = templates.collect();
        for added in [1, 0] {
            let summary = books.import(&templates).unwrap_or_else(|error| panic!("{error}: {:?}", error.problems));
            assert!(summary.kinds.values().all(|c| (c.added, c.unchanged) == (added, 1 - added)), "{summary:?}");
        }
    });
}

#[test]
fn all_or_nothing_and_every_mistake_of_every_file() {
    each_engine(|db| {
        let mut books = Books::empty(db);
        let companies = format!("{COMPANIES}beta,Beta,Weg 3,10115,Berlin,Germany\n");
        let contracts =
            format!("{CONTRACTS}beta,care,de,EUR,monthly,advance,2026-01-01,\nacme,other,at,EUR,monthly,advance,2026-01-01,\n");
        let items = format!("{ITEMS}acme,none,seats,,,Seats,1,1\nacme,care,seats,2026-01-01,,Seats,1,x\n");
        let files = [
            (Kind::ContractItems, items.as_str()),
            (Kind::Sellers, SELLERS),
            (Kind::Companies, &companies),
            (Kind::Contracts, &contracts),
        ];
        let error = books.import(&files).unwrap_err();
        let told: Vec<_> =
            error.problems.iter().map(|p| (p.file.rsplit('/').next().unwrap(), p.line, p.field.as_str())).collect();
        // Company beta is told once, where it is wrong, and not again by its contract.
        let mut expected = vec![("companies.csv", 3, "country"), ("contracts.csv", 4, "seller_id")];
        expected.extend([("contract_items.csv", 3, "contract_id"), ("contract_items.csv", 4, "unit_price")]);
        assert_eq!(told, expected);
        assert!(books.read(check::row_counts).iter().all(|(_, rows)| *rows == 0));
    });
}

#[test]
fn a_refused_row_silences_only_those_that_refer_to_it() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let companies = COMPANIES.replace("acme,Acme,Weg 2,10115,Berlin,DE", "beta,Beta,Weg 3,10115,Berlin,Germany");
        let head = "company_id,contract_id,seller_id,currency,cadence,timing,start\n";
        let contracts = format!("{head}beta,c,at,EUR,monthly,advance,2026-01-01\ngone,c,at,EUR,monthly,advance,2026-01-01\n");
        let items = "company_id,contract_id,item_id,description,unit_price\nbeta,c,i,I,1\ngone,c,i,I,1\ngone,d,i,I,1\n";
        let once = format!("{ITEM}beta,t,at,EUR,2026-01-05,Work,1\ngone,t,at,EUR,2026-01-05,Work,1\n");
        let files = [
            (Kind::Companies, companies.as_str()),
            (Kind::Contracts, &contracts),
            (Kind::ContractItems, items),
            (Kind::BillableItems, &once),
        ];
        let told = |books: &mut Books, files: &[(Kind, &str)]| -> Vec<String> {
            let problems = books.import(files).unwrap_err().problems;
            problems.iter().map(|p| format!("{}:{} {}", p.file.rsplit('/').next().unwrap(), p.line, p.field)).collect()
        };
        let expected = [
            "companies.csv:2 country",
            "contracts.csv:2 seller_id",
            "contracts.csv:3 company_id",
            "contracts.csv:3 seller_id",
            "contract_items.csv:4 contract_id",
            "billable_items.csv:2 seller_id",
            "billable_items.csv:3 company_id",
            "billable_items.csv:3 seller_id",
        ];
        assert_eq!(told(&mut books, &files), expected);

        // Of a file whose header is refused, or whose rows ran together, no id is known.
        for unread in [companies.replace("country", "land"), companies.replace("Beta", "\"Beta")] {
            let problems = told(&mut books, &[(Kind::Companies, &unread), (Kind::Contracts, &contracts)]);
            assert!(problems.iter().all(|problem| !problem.ends_with("company_id")), "{problems:?}");
        }
    });
}

#[test]
fn a_dry_run_checks_all_and_changes_nothing() {
    each_engine(|db| {
        let mut books = Books::empty(db);
        let summary = books.import_as(&[(Kind::Sellers, SELLERS), (Kind::Companies, COMPANIES)], true).unwrap();
        assert!(summary.kinds.values().all(|c| c.added == 1));
        assert!(books.read(check::row_counts).iter().all(|(_, rows)| *rows == 0));
        assert!(books.import_as(&[(Kind::Contracts, CONTRACTS)], true).is_err());
    });
}

#[test]
fn what_is_billed_fixes_the_terms_of_a_contract() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let head =
            "company_id,contract_id,seller_id,currency,cadence,timing,anchor_day,start,tax_inclusive,bill_from,reference\n";
        let terms = |row: &str| format!("{head}acme,care,{row}\n");
        assert_eq!(books.counts(Kind::Contracts, &terms("de,EUR,quarterly,advance,,2026-02-01,,,")), (0, 1, 0));
        assert_eq!(books.schedule().0, Some(date("2026-02-01")));
        assert_eq!(books.counts(Kind::Contracts, CONTRACTS), (0, 1, 0));

        let draft = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Draft);
        let told = books.told(Kind::Contracts, &terms("de,USD,quarterly,arrears,5,2026-02-01,yes,2026-03-01,"));
        let columns: Vec<&str> = told.lines().filter_map(|line| line.split_once(':')).map(|line| line.0).collect();
        assert_eq!(columns, ["currency", "cadence", "timing", "anchor_day", "start", "tax_inclusive", "bill_from"], "{told}");
        assert!(told.contains("import a new one under another contract_id"), "{told}");
        assert!(!books.was_marked(&draft));

        let revision = books.schedule().1;
        assert_eq!(books.counts(Kind::Contracts, &terms("de,EUR,monthly,advance,,2026-01-01,,,PO 7")), (0, 1, 0));
        assert!(books.was_marked(&draft));
        assert_eq!(books.schedule(), (Some(date("2026-02-01")), revision + 1));
    });
}

#[test]
fn the_end_of_a_contract_respects_what_is_issued() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let ending = |end: &str| CONTRACTS.replace("2026-01-01,\n", &format!("2026-01-01,{end}\n"));
        books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        let void = books.invoice("2026-02-01", "2026-03-01", InvoiceState::Void);
        assert!(books.told(Kind::Contracts, &ending("2026-01-20")).contains("end: service until 2026-02-01"));
        assert_eq!(books.counts(Kind::Contracts, &ending("2026-02-10")), (0, 1, 0), "what is void may be corrected");
        assert_eq!(books.head(&void).state, InvoiceState::Void);
        assert_eq!(books.schedule().0, None, "voided service comes back by regenerate alone");
        assert_eq!(books.counts(Kind::Contracts, &ending("")), (0, 1, 0));
        assert_eq!(books.schedule().0, Some(date("2026-03-01")));

        // The days from the 10th on would never be billed: the period counts as billed by its start.
        assert_eq!(books.counts(Kind::Contracts, &ending("2026-03-10")), (0, 1, 0));
        books.invoice("2026-03-01", "2026-03-10", InvoiceState::Paid);
        assert!(books.told(Kind::Contracts, &ending("2026-05-01")).contains("begin a new contract on 2026-03-10"));
        assert!(books.told(Kind::Contracts, &ending("")).contains("begin a new contract on 2026-03-10"));
    });
}

#[test]
fn what_drafts_are_made_of_marks_them() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let draft = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Draft);
        let issued = books.invoice("2026-02-01", "2026-03-01", InvoiceState::Open);
        let item = format!("{ITEM}acme,ticket:1,de,EUR,2026-01-05,Work,95\n");
        for (kind, text) in [
            (Kind::Sellers, SELLERS.replace("Weg 1", "Weg 9")),
            (Kind::TaxRates, RATES.replace("19 %", "19 percent")),
            (Kind::Companies, COMPANIES.replace("Weg 2", "Weg 8")),
            (Kind::Contracts, CONTRACTS.replace("start,end", "start,reference").replace("01-01,", "01-01,PO")),
            (Kind::BillableItems, item.clone()),
            (Kind::BillableItems, item.replace("95", "96")),
        ] {
            let (added, changed, _) = books.counts(kind, &text);
            assert_eq!(added + changed, 1, "{kind}");
            assert!(books.was_marked(&draft), "{kind}");
            books.counts(kind, &text);
            assert!(!books.was_marked(&draft), "{kind}: unchanged");
        }
        // How a company is reached, and reminded, shows in no price and on no document.
        let reached = COMPANIES.replace("country", "country,delivery,account_manager,reminder_policy,time_zone");
        let reached = reached.replace("Weg 2", "Weg 8").replace(",DE", ",DE,none,boss@example.com,gentle,Europe/Paris");
        let reminded = CONTRACTS.replace("start,end", "start,reminder_policy").replace("01-01,", "01-01,gentle");
        for (kind, text) in [(Kind::Companies, reached), (Kind::Contracts, reminded)] {
            assert_eq!(books.counts(kind, &text), (0, 1, 0), "{kind}");
            assert!(!books.was_marked(&draft), "{kind}");
        }
        assert!(!books.head(&issued).stale);
    });
}

#[test]
fn one_series_has_one_format() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let second = "at,Muster AG,Weg 1,1010,Wien,AT,Europe/Berlin,standard,main,A-{seq}\n";
        let told = books.told(Kind::Sellers, &format!("{SELLERS}{second}"));
        assert!(told.contains("number_format: seller") && told.contains("\"main\""), "{told}");
        let elsewhere = second.replace("A-", "R-").replace("Berlin", "Vienna");
        let told = books.told(Kind::Sellers, &format!("{SELLERS}{elsewhere}"));
        assert!(told.contains("time_zone: seller") || told.contains("time_zone \"Europe/Vienna\": seller de"), "{told}");
        assert_eq!(books.counts(Kind::Sellers, &format!("{SELLERS}{}", second.replace("A-", "R-"))), (1, 0, 1));
        let both = format!("{SELLERS}{second}").replace("R-{seq}", "A-{seq}");
        assert_eq!(books.counts(Kind::Sellers, &both), (0, 2, 0), "both at once may change");
        assert!(books.told(Kind::Sellers, &SELLERS.replace("{seq}", "{number}")).contains("{number}"));
    });
}

#[test]
fn a_logo_is_a_picture_and_is_kept_by_its_content() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let with_logo = SELLERS.replace("number_format\n", "number_format,logo\n").replace("R-{seq}\n", "R-{seq},logo.png\n");
        assert!(books.told(Kind::Sellers, &with_logo).contains("logo: cannot read"));
        books.write("logo.png", "GIF89a");
        assert!(books.told(Kind::Sellers, &with_logo).contains("neither a PNG nor a JPEG"));
        books.write("logo.png", [LOGO, &[0; 1024 * 1024]].concat());
        assert!(books.told(Kind::Sellers, &with_logo).contains("1000000 are allowed"));
        books.write("logo.png", b"\xff\xd8\xff\xe0 a picture");
        assert!(books.told(Kind::Sellers, &with_logo).contains("broken JPEG"), "it would fail each invoice");
        books.write("logo.png", LOGO);
        assert_eq!(books.counts(Kind::Sellers, &with_logo), (0, 1, 0));
        assert_eq!(books.counts(Kind::Sellers, &with_logo), (0, 0, 1));
        let kept = books.read(|tx| {
            let seller = sellers::all(tx)?.remove(0);
            sellers::asset(tx, &seller.logo_sha256)
        });
        assert_eq!(kept.as_deref(), Some(LOGO));
    });
}

#[test]
fn items_on_issued_invoices_stay_as_they_are() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let invoice = books.invoice("2026-01-01", "2026-02-01", InvoiceState::Open);
        let text = format!("{ITEM}acme,ticket:1,de,EUR,2026-01-05,Work,95\n");
        assert_eq!(books.counts(Kind::BillableItems, &text), (1, 0, 0));
        let taken = books.db.write(|tx| items::take(tx, &company(), &"ticket:1".parse().unwrap(), &invoice));
        assert!(taken.unwrap());
        assert_eq!(books.counts(Kind::BillableItems, &text), (0, 0, 1));
        assert!(
            books.told(Kind::BillableItems, &text.replace("95", "96")).contains("source_key: this item is on an issued invoice")
        );
    });
}

#[test]
fn a_new_billing_day_moves_the_open_items() {
    each_engine(|db| {
        let mut books = Books::new(db);
        books.counts(Kind::BillableItems, &format!("{ITEM}acme,ticket:1,de,EUR,2026-01-05,Work,95\n"));
        let due = |books: &mut Books| books.read(|tx| items::companies_due(tx, date("2027-01-01"), ("", ""), 9));
        assert_eq!(due(&mut books), [("2026-02-01".to_owned(), "acme".to_owned())]);
        books.counts(Kind::Companies, &COMPANIES.replace("country\n", "country,billing_day\n").replace("DE\n", "DE,15\n"));
        assert_eq!(due(&mut books), [("2026-01-15".to_owned(), "acme".to_owned())]);
        assert_eq!(books.read(|tx| companies::by_ids(tx, &["acme"]))[0].billing_day, 15);
    });
}

#[test]
fn what_kept_a_contract_from_being_billed_is_looked_at_again() {
    each_engine(|db| {
        let mut books = Books::new(db);
        let waiting = RunItem {
            company_id: company(),
            job: "invoices.generate".to_owned(),
            subject: contract().to_string(),
            period: String::new(),
            class: "no_items".to_owned(),
            message: String::new(),
            attempts: 9,
            parked: true,
        };
        let other = RunItem { subject: "other".to_owned(), ..waiting.clone() };
        books.db.write(|tx| runs::put_items(tx, &[waiting.clone(), other.clone()], now())).unwrap();
        books.counts(Kind::ContractItems, ITEMS);
        assert_eq!(books.read(|tx| runs::all_items(tx, 9)).len(), 2, "nothing changed");
        books.counts(Kind::ContractItems, &ITEMS.replace("5.00", "6.00"));
        assert_eq!(books.read(|tx| runs::all_items(tx, 9)), [other]);
    });
}
