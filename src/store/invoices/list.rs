//! A person's list of invoices: filters, an order, and pages by the key of the last row.
//!
//! What an index can serve does not grow with history: one company, drafts, open ones by due date,
//! anything by date of issue or by number. Other orders sort what the filters leave.

use super::read::{head_columns, read_head};
use crate::model::{Currency, Invoice, InvoiceState};
use crate::store::{StoreError, Tx, Val};
use chrono::NaiveDate;

/// Which invoices. Nothing set: all of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Any of these; empty for all.
    pub states: Vec<InvoiceState>,
    pub company_id: String,
    pub seller_id: String,
    pub contract_id: String,
    pub currency: Option<Currency>,
    /// First and last day on which a period billed by it may start; of one that bills none, its own.
    pub starts: Days,
    pub issued: Days,
    pub due: Days,
    /// Smallest and largest total, in the minor unit of `currency`.
    pub total_minor: (Option<i64>, Option<i64>),
}

/// From the first to the last day, both included; None is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Days {
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
}

impl Days {
    /// What stands for an open end compares with every date that is stored.
    fn bounds(self) -> [Val<'static>; 2] {
        let text = |day: Option<NaiveDate>, open: &'static str| day.map_or(Val::from(open), Val::from);
        [text(self.from, ""), text(self.to, "9999-12-31")]
    }
}

/// By what they are sorted; by company and id where that is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// And within it by age.
    Company,
    /// Of issued ones, as is everything by number or date.
    Number,
    Issued,
    Due,
    Period,
    /// Currency by currency.
    Total,
}

/// Which index finds the rows.
#[derive(Clone, Copy)]
enum Scope {
    Company,
    Drafts,
    Open,
    Any,
}

/// A page of the invoices that the filter leaves, after `after` in the order that was asked for.
pub fn list(
    tx: &mut Tx,
    filter: &Filter,
    sort: Sort,
    descending: bool,
    after: Option<&Invoice>,
    limit: u32,
) -> Result<Vec<Invoice>, StoreError> {
    let scope = match filter.states.as_slice() {
        _ if !filter.company_id.is_empty() => Scope::Company,
        [InvoiceState::Draft] => Scope::Drafts,
        [InvoiceState::Open] => Scope::Open,
        _ => Scope::Any,
    };
    let states: String = filter.states.iter().map(|state| format!(",{state},")).collect();
    let [starts_from, starts_to] = filter.starts.bounds();
    let [issued_from, issued_to] = filter.issued.bounds();
    let [due_from, due_to] = filter.due.bounds();
    let mut params = vec![
        Val::from(&filter.company_id),
        states.into(),
        (&filter.seller_id).into(),
        (&filter.contract_id).into(),
        filter.currency.map_or("", Currency::code).into(),
        starts_from,
        starts_to,
        issued_from,
        issued_to,
        due_from,
        due_to,
        filter.total_minor.0.unwrap_or(i64::MIN).into(),
        filter.total_minor.1.unwrap_or(i64::MAX).into(),
    ];
    let cursor = after.map_or_else(|| Cursor::start(descending), |last| Cursor::of(last, sort));
    params.extend([cursor.company.into(), cursor.invoice.into(), limit.into()]);
    if sort != Sort::Company {
        params.push(cursor.key.into());
    }
    if sort == Sort::Total {
        params.push(cursor.minor.into());
    }
    tx.query(sql(scope, sort, descending), &params, read_head)
}

/// Where a page begins.
struct Cursor {
    company: String,
    invoice: String,
    key: String,
    minor: i64,
}

impl Cursor {
    /// Before the first row: the least of all texts, or the greatest.
    fn start(descending: bool) -> Self {
        let (text, minor) = if descending { (char::MAX.to_string(), i64::MAX) } else { (String::new(), i64::MIN) };
        Self { company: text.clone(), invoice: text.clone(), key: text, minor }
    }

    fn of(invoice: &Invoice, sort: Sort) -> Self {
        let date = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        let key = match sort {
            Sort::Company => String::new(),
            Sort::Number => invoice.number.clone().unwrap_or_default(),
            Sort::Issued => date(invoice.issued_on),
            Sort::Due => date(invoice.due_on),
            Sort::Period => invoice.period.start().to_string(),
            Sort::Total => invoice.currency.code().to_owned(),
        };
        let (company, id) = (invoice.company_id.to_string(), invoice.invoice_id.to_string());
        Self { company, invoice: id, key, minor: invoice.total.minor() }
    }
}

/// One constant for each way to find and to sort, since a bound that an index serves stands in its
/// text: `$1 = '' OR …` is only a filter to a planner.
fn sql(scope: Scope, sort: Sort, descending: bool) -> &'static str {
    macro_rules! statement {
        ($scope:literal, $bound:literal, [$($key:literal)*], $than:literal, $values:literal, $direction:literal) => {
            concat!(
                "SELECT ",
                head_columns!(),
                " FROM invoices WHERE ",
                $scope,
                $bound,
                "($1 = '' OR company_id = $1) AND ($2 = '' OR $2 LIKE '%,' || state || ',%') AND ($3 = '' OR seller_id = $3)
                  AND ($5 = '' OR currency = $5)
                  AND ($4 = '' AND $6 = '' AND $7 = '9999-12-31'
                    OR EXISTS (SELECT 1 FROM billed_periods AS b WHERE b.company_id = invoices.company_id
                      AND b.invoice_id = invoices.invoice_id AND ($4 = '' OR b.contract_id = $4)
                      AND b.period_start >= $6 AND b.period_start <= $7)
                    OR ($4 = '' OR contract_id = $4) AND period_start >= $6 AND period_start <= $7
                      AND NOT EXISTS (SELECT 1 FROM billed_periods AS b WHERE b.company_id = invoices.company_id
                        AND b.invoice_id = invoices.invoice_id))
                  AND ($8 = '' AND $9 = '9999-12-31' OR issued_on >= $8 AND issued_on <= $9)
                  AND ($10 = '' AND $11 = '9999-12-31' OR due_on >= $10 AND due_on <= $11)
                  AND total_minor >= $12 AND total_minor <= $13 AND (",
                $($key, ",",)* "company_id, invoice_id) ", $than, " (", $values, "$14, $15) ORDER BY ",
                $($key, $direction, ",",)* "company_id", $direction, ", invoice_id", $direction, " LIMIT $16"
            )
        };
    }
    macro_rules! sorted {
        ($scope:literal, $than:literal, $direction:literal) => {
            match sort {
                Sort::Company => statement!($scope, "", [], $than, "", $direction),
                Sort::Number => statement!($scope, "number IS NOT NULL AND ", ["number"], $than, "$17, ", $direction),
                Sort::Issued => {
                    statement!($scope, "issued_on >= $8 AND issued_on <= $9 AND ", ["issued_on"], $than, "$17, ", $direction)
                }
                Sort::Due => statement!($scope, "due_on >= $10 AND due_on <= $11 AND ", ["due_on"], $than, "$17, ", $direction),
                Sort::Period => statement!($scope, "", ["period_start"], $than, "$17, ", $direction),
                Sort::Total => statement!($scope, "", ["currency" "total_minor"], $than, "$17, $18, ", $direction),
            }
        };
    }
    match (scope, descending) {
        (Scope::Company, false) => sorted!("company_id = $1 AND ", ">", ""),
        (Scope::Company, true) => sorted!("company_id = $1 AND ", "<", " DESC"),
        (Scope::Drafts, false) => sorted!("state = 'draft' AND ", ">", ""),
        (Scope::Drafts, true) => sorted!("state = 'draft' AND ", "<", " DESC"),
        (Scope::Open, false) => sorted!("state = 'open' AND ", ">", ""),
        (Scope::Open, true) => sorted!("state = 'open' AND ", "<", " DESC"),
        (Scope::Any, false) => sorted!("", ">", ""),
        (Scope::Any, true) => sorted!("", "<", " DESC"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema::{SCHEMA, for_engine};

    /// How SQLite goes about a statement on the schema as it is.
    fn plan(sql: &str) -> String {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        db.execute_batch(&for_engine(SCHEMA, true)).unwrap();
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.replace('$', "?"))).unwrap();
        let mut rows = statement.raw_query();
        let mut plan = String::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push_str(&format!("{}\n", row.get::<_, String>(3).unwrap()));
        }
        plan
    }

    #[test]
    fn what_an_index_can_serve_does_not_grow_with_history() {
        for descending in [false, true] {
            for (scope, sort, index) in [
                (Scope::Any, Sort::Company, "PRIMARY KEY ("),
                (Scope::Any, Sort::Number, "invoices_number"),
                (Scope::Any, Sort::Issued, "invoices_issued"),
                (Scope::Open, Sort::Due, "invoices_open_due"),
                (Scope::Open, Sort::Issued, "invoices_issued"),
                (Scope::Company, Sort::Company, "PRIMARY KEY (company_id=?"),
            ] {
                let plan = plan(sql(scope, sort, descending));
                assert!(plan.contains("SEARCH") && plan.contains(index) && !plan.contains("TEMP B-TREE"), "{plan}");
            }
            for sort in [Sort::Number, Sort::Due, Sort::Period, Sort::Total] {
                let plan = plan(sql(Scope::Company, sort, descending));
                assert!(plan.contains("PRIMARY KEY (company_id=?"), "only the company's own are read: {plan}");
            }
            for sort in [Sort::Company, Sort::Period, Sort::Total] {
                let drafts = plan(sql(Scope::Drafts, sort, descending));
                assert!(drafts.contains("invoices_draft") || drafts.contains("PRIMARY KEY"), "{drafts}");
            }
        }
    }
}
