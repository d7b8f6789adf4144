//! A statement as plain text.

use super::super::columns;
use super::{Letter, Row, is_overdue};

/// Dates and words to the left, figures to the right.
const ALIGN: &str = "lllrr";

pub fn compose(letter: &Letter<'_>) -> String {
    let labels = &letter.language.statement;
    let company = vec![letter.language.label(&labels.prepared_for), letter.company.name.clone()];
    let customer = vec![letter.language.label(&letter.language.document.customer_number), letter.company.id.clone()];
    let period = vec![letter.language.label(&labels.period), letter.period()];
    let mut parts = vec![
        columns::one_line(&letter.seller.name),
        letter.title().to_uppercase(),
        columns::pairs(&[company, customer, period], columns::WIDTH),
    ];
    for account in &letter.statement.accounts {
        if letter.several() {
            parts.push(letter.language.account_in(account.currency));
        }
        let rule = || vec!["-".to_owned()];
        let mut rows = vec![cells(&letter.header(account)), rule(), cells(&letter.opening(account))];
        rows.extend(letter.entries(account).iter().map(cells));
        rows.push(rule());
        rows.extend(letter.closing(account).iter().map(cells));
        parts.push(columns::table(&rows, ALIGN));
    }
    if letter.statement.accounts.is_empty() {
        parts.push(labels.no_entries.clone());
    }
    parts.extend(payment(letter));
    columns::tidy(&parts.join("\n\n"))
}

fn cells(row: &Row) -> Vec<String> {
    row.cells().map(str::to_owned).to_vec()
}

fn payment(letter: &Letter<'_>) -> Option<String> {
    let (bank, labels) = (letter.bank?, &letter.language.document);
    let rows = labels.bank_rows(&letter.seller.name, bank, &letter.company.id).into_iter().filter(|(_, value)| !value.is_empty());
    let rows: Vec<Vec<String>> = rows.map(|(name, value)| vec![letter.language.label(name), value]).collect();
    let heading = if is_overdue(letter.statement) { &letter.language.statement.please_pay } else { &labels.payment };
    Some(format!("{heading}\n{}", columns::pairs(&rows, columns::WIDTH)))
}
