//! Statements of account, as their readers get them.

use crate::{sample, tools};
use finops::model::message::{EntryKind, Statement, StatementAccount, StatementEntry};
use finops::model::seller::BankDetails;
use finops::render::{Fonts, RenderError, StatementLetter, languages, statement_file_name, statement_pdf, statement_text};
use rust_decimal::Decimal;

fn bank() -> BankDetails {
    sample::empty("EUR").bank
}

/// To the buyer from the seller of the samples.
fn letter<T>(statement: &Statement, language: &str, call: impl FnOnce(&StatementLetter<'_>) -> T) -> T {
    let (seller, company, bank) = (sample::seller(), sample::buyer(), bank());
    call(&StatementLetter { statement, seller: &seller, company: &company, bank: Some(&bank), language })
}

fn pdf(statement: &Statement, language: &str) -> Vec<u8> {
    letter(statement, language, |letter| statement_pdf(letter, None, &Fonts::builtin().unwrap()).unwrap())
}

fn text(statement: &Statement, language: &str) -> String {
    letter(statement, language, |letter| statement_text(letter).unwrap())
}

/// An account of so many entries: an invoice, then most of its payment, again and again.
fn account(currency: &str, entries: usize) -> StatementAccount {
    let opening = sample::decimal("250.00");
    let mut balance = opening;
    let entries = (0..entries).map(|index| {
        let on = sample::date("2026-10-01") + chrono::Days::new(index as u64 / 40);
        let number = format!("INV-2026-{:06}", index / 2 + 1);
        let (kind, change, due_on) = match index % 2 {
            0 => (EntryKind::Invoice, sample::decimal("1190.00"), Some(on + chrono::Days::new(14))),
            _ => (EntryKind::Payment, sample::decimal("-1189.50"), None),
        };
        balance += change;
        StatementEntry { on, kind, reference: number, due_on, change, balance }
    });
    let entries: Vec<_> = entries.collect();
    StatementAccount { currency: currency.parse().unwrap(), opening, entries, closing: balance, overdue: opening }
}

fn statement(accounts: Vec<StatementAccount>) -> Statement {
    Statement { from: sample::date("2026-10-01"), to: sample::date("2026-10-31"), accounts }
}

/// One entry of each kind.
fn all_kinds() -> Statement {
    let mut account = account("EUR", 0);
    let mut balance = account.opening;
    for (index, kind) in EntryKind::ALL.iter().enumerate() {
        let change = match kind {
            EntryKind::Invoice | EntryKind::Refund => sample::decimal("1190.00"),
            EntryKind::OpeningCredit | EntryKind::CreditNote | EntryKind::Payment | EntryKind::Void | EntryKind::WriteOff => {
                sample::decimal("-119.00")
            }
        };
        balance += change;
        let on = sample::date("2026-10-05") + chrono::Days::new(index as u64);
        let due_on = (*kind == EntryKind::Invoice).then(|| sample::date("2026-10-19"));
        account.entries.push(StatementEntry { on, kind: *kind, reference: format!("REF-{index}"), due_on, change, balance });
    }
    account.closing = balance;
    statement(vec![account])
}

#[test]
fn a_statement_on_one_page() {
    let file = pdf(&all_kinds(), "en");
    tools::check(&file);
    let rows = tools::rows(&file);
    for row in [
        "Statement of account",
        "Prepared for",
        "Period 1–31 October 2026",
        "Closing balance EUR 2,035.00",
        "Of which overdue EUR 250.00",
        "Date Entry Due date Amount (EUR) Balance",
        "1 Oct 2026 Opening balance 250.00",
        "5 Oct 2026 Credit brought forward REF-0 −119.00 131.00",
        "6 Oct 2026 Invoice REF-1 19 Oct 2026 1,190.00 1,321.00",
        "7 Oct 2026 Credit note REF-2 −119.00 1,202.00",
        "8 Oct 2026 Payment REF-3 −119.00 1,083.00",
        "9 Oct 2026 Refund REF-4 1,190.00 2,273.00",
        "10 Oct 2026 Cancellation of invoice REF-5 −119.00 2,154.00",
        "11 Oct 2026 Write-off REF-6 −119.00 2,035.00",
        "31 Oct 2026 Closing balance 2,035.00",
        "Of which overdue 250.00",
        "Please transfer the overdue amount to this account.",
        "IBAN DE89 3704 0044 0532 0130 00",
        "Page 1 of 1",
    ] {
        assert!(rows.iter().any(|r| r.contains(row)), "no {row:?} in\n{}", rows.join("\n"));
    }
    let info = tools::info(&file);
    for fact in ["Title:           Statement of account Zażółć", "CreationDate:    2026-10-31T00:00:00Z"] {
        assert!(info.contains(fact), "no {fact:?} in\n{info}");
    }
    assert!(String::from_utf8_lossy(&file).contains("<pdfaid:part>3</pdfaid:part>"));
}

#[test]
fn the_text_in_every_language() {
    let mut two = all_kinds();
    let mut dollars = account("USD", 2);
    (dollars.opening, dollars.closing, dollars.overdue) = (Decimal::ZERO, sample::decimal("-1250.00"), Decimal::ZERO);
    two.accounts.push(dollars);
    for language in languages::tags() {
        insta::assert_snapshot!(format!("statement.{language}"), text(&two, language));
    }
}

#[test]
fn text_and_pdf_name_the_same_amounts_in_every_language() {
    let two = statement(vec![account("EUR", 7), account("JPY", 4)]);
    for tag in languages::tags() {
        let language = languages::find(tag).unwrap();
        let squeezed = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
        let (page, plain) = (squeezed(&tools::text(&pdf(&two, tag))), squeezed(&text(&two, tag)));
        for account in &two.accounts {
            let sums = account.entries.iter().flat_map(|e| [e.change, e.balance]).chain([account.opening, account.closing]);
            let mut words: Vec<String> = sums.map(|sum| language.number(sum, account.currency.exponent())).collect();
            words.extend(account.entries.iter().map(|e| language.entry(e.kind, &e.reference)));
            words.extend(account.entries.iter().map(|e| language.short_date(e.on)));
            words.push(language.account_in(account.currency));
            for word in words {
                assert!(page.contains(&squeezed(&word)), "{tag}: the PDF lacks {word:?}");
                assert!(plain.contains(&squeezed(&word)), "{tag}: the text lacks {word:?}");
            }
        }
    }
}

#[test]
fn forty_pages_lose_nothing() {
    let long = statement(vec![account("EUR", 1_240)]);
    let file = pdf(&long, "en");
    tools::check(&file);
    let pages = tools::pages(&file);
    assert!(pages.len() >= 40, "{} pages", pages.len());
    for (index, page) in pages.iter().enumerate() {
        assert!(page.contains(&format!("Page {} of {}", index + 1, pages.len())), "page number of\n{page}");
        assert!(page.contains("Date Entry Due date Amount (EUR) Balance"), "table header of\n{page}");
        assert!(index == 0 || page.contains("Statement of account · Zażółć"), "head of\n{page}");
    }
    let all = pages.join("\n");
    for n in 1..=620 {
        assert_eq!(all.matches(&format!("INV-2026-{n:06}")).count(), 2, "entry {n}");
    }
    assert!(pages.last().unwrap().contains("Closing balance") && pages.last().unwrap().contains("INV-2026-000620"));
}

#[test]
fn the_closing_balance_never_stands_without_an_entry() {
    for entries in 10..60 {
        let file = pdf(&statement(vec![account("EUR", entries)]), "en");
        let pages = tools::pages(&file);
        let closing = pages.iter().find(|page| page.contains("31 Oct 2026 Closing balance")).unwrap();
        assert!(closing.contains(&format!("INV-2026-{:06}", entries.div_ceil(2))), "{entries} entries end with\n{closing}");
    }
}

#[test]
fn the_same_statement_gives_the_same_bytes() {
    let long = statement(vec![account("EUR", 90), account("USD", 3)]);
    assert_eq!(pdf(&long, "fr"), pdf(&long, "fr"));
}

#[test]
fn nothing_is_asked_for_when_nothing_is_owed() {
    let mut paid_ahead = account("EUR", 2);
    (paid_ahead.closing, paid_ahead.overdue) = (sample::decimal("-10.00"), Decimal::ZERO);
    for accounts in [vec![paid_ahead], Vec::new()] {
        let quiet = statement(accounts);
        for said in [text(&quiet, "en"), tools::text(&pdf(&quiet, "en"))] {
            assert!(!said.contains("IBAN") && !said.contains("Closing balance"), "{said}");
            assert!(said.contains("Balance in your favour") || said.contains("No entries in this period."), "{said}");
        }
    }
}

#[test]
fn a_character_without_a_picture_is_named_with_its_field() {
    let mut strange = statement(vec![account("EUR", 2)]);
    strange.accounts[0].entries[1].reference = "支払 1".to_owned();
    let mut company = sample::buyer();
    company.name = "Party 🎉".to_owned();
    let told = letter(&strange, "en", |letter| {
        statement_pdf(&StatementLetter { company: &company, ..*letter }, None, &Fonts::builtin().unwrap()).unwrap_err()
    });
    let field = "accounts[EUR].entries[2].reference".to_owned();
    let expected = vec![('🎉', "company.name".to_owned()), ('支', field.clone()), ('払', field)];
    assert_eq!(told, RenderError::MissingCharacters(expected));
}

#[test]
fn names_with_line_breaks_do_not_break_the_columns() {
    let mut company = sample::buyer();
    company.name = "Evil\r\nClosing balance   0.00".to_owned();
    let said = letter(&all_kinds(), "en", |letter| statement_text(&StatementLetter { company: &company, ..*letter }).unwrap());
    assert!(!said.lines().any(|line| line.starts_with("Closing balance   0.00")), "{said}");
}

#[test]
fn its_file_is_called_so_in_each_language() {
    let statement = statement(vec![account("EUR", 2)]);
    let to = statement.to;
    for (language, name) in [
        ("en", "Statement-of-account"),
        ("de-AT", "Kontoauszug"),
        ("fr", "Releve-de-compte"),
        ("es", "Extracto-de-cuenta"),
        ("pl", "Wyciag-z-rozrachunkow"),
    ] {
        assert_eq!(letter(&statement, language, statement_file_name), format!("{name}-{to}.pdf"));
    }
}
