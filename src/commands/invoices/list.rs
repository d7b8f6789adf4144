//! `invoices list`: what a person looks for among the invoices.

use crate::context::Context;
use crate::error::{Error, ExitCode, Result};
use crate::model::calendar::{PeriodFilter, parse_date};
use crate::model::money::parse_decimal;
use crate::model::{CompanyId, ContractId, Currency, Invalid, Invoice, InvoiceState, Money, SellerId};
use crate::operations::invoices::find;
use crate::store::invoices::{self, Days, Filter, Sort};
use crate::store::{Db, StoreError, Tx, companies, sellers};
use crate::ui::{Column, Table};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows that are read at a time.
const PAGE: u32 = 500;

/// The flags of `invoices list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only in these states, as in open,uncollectible; credit notes are issued.
    #[arg(long, value_delimiter = ',', value_parser = ["draft", "open", "paid", "void", "uncollectible", "issued"])]
    state: Vec<String>,
    /// Only open ones whose due date has passed, by the seller's day.
    #[arg(long, conflicts_with = "state")]
    overdue: bool,
    /// Only of this company.
    #[arg(long, value_name = "ID")]
    company_id: Option<CompanyId>,
    /// Only of this seller.
    #[arg(long, value_name = "ID")]
    seller_id: Option<SellerId>,
    /// Only of this contract, consolidated with others or not.
    #[arg(long, value_name = "ID")]
    contract_id: Option<ContractId>,
    /// Only for a period that starts then: 2026-10, 2026-W43, 2026-Q4 or 2026.
    ///
    /// What an invoice takes up besides, such as usage of the period before or a change of one, does not count.
    #[arg(long)]
    period: Option<PeriodFilter>,
    /// Only issued on this day or later.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    issued_from: Option<NaiveDate>,
    /// Only issued on this day or before.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    issued_to: Option<NaiveDate>,
    /// Only due on this day or later.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    due_from: Option<NaiveDate>,
    /// Only due on this day or before.
    #[arg(long, value_name = "DATE", value_parser = parse_date)]
    due_to: Option<NaiveDate>,
    /// Only in this currency.
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
    /// Only with a total of at least so much, in the currency.
    #[arg(long, value_name = "AMOUNT", value_parser = parse_decimal, requires = "currency", allow_negative_numbers = true)]
    total_from: Option<Decimal>,
    /// Only with a total of at most so much, in the currency.
    #[arg(long, value_name = "AMOUNT", value_parser = parse_decimal, requires = "currency", allow_negative_numbers = true)]
    total_to: Option<Decimal>,
    /// Only where this stands in the number, the id, the reference, the contract's id, or the
    /// company's id or name, in capitals or not.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Sort by this [default: issued or due where days of that are given, else company].
    ///
    /// Drafts have no number, no date of issue and no due date: by those, they are not listed.
    #[arg(long, value_parser = ["company", "number", "issued", "due", "period", "total"])]
    sort: Option<String>,
    /// The other way round: the latest or the largest first.
    #[arg(long)]
    desc: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = crate::commands::count::<u32>)]
    limit: u32,
    /// Go on after this one, in the same order: its number, or COMPANY/ID.
    #[arg(long, value_name = "INVOICE")]
    after: Option<String>,
}

/// What is asked for, and what only a look at each row tells.
struct Query {
    filter: Filter,
    sort: Sort,
    descending: bool,
    /// In small letters.
    text: Option<String>,
    /// Each seller's today, where only what is overdue is wanted.
    overdue: Option<HashMap<SellerId, NaiveDate>>,
}

/// Lists invoices.
pub(super) fn list(args: &ListArgs, ctx: &Context, db: &mut Db) -> Result<ExitCode> {
    let query = db.read(|tx| query(args, ctx, tx))?;
    let mut after = args.after.as_deref().map(|name| db.read(|tx| named(tx, name))).transpose()?;
    let mut found: Vec<Invoice> = Vec::new();
    let mut sums = Sums::default();
    let mut last = None;
    let mut more = false;
    'pages: loop {
        let limit = if query.text.is_some() { PAGE } else { PAGE.min(args.limit) };
        let page = db.read(|tx| {
            let page = invoices::list(tx, &query.filter, query.sort, query.descending, after.as_ref(), limit)?;
            Ok::<_, StoreError>((page.last().cloned(), query.wanted(tx, page)?))
        })?;
        let (Some(end), page) = page else { break };
        after = Some(end);
        for invoice in page {
            if sums.count == u64::from(args.limit) {
                more = true;
                break 'pages;
            }
            sums.add(&invoice)?;
            last = Some(format!("{}/{}", invoice.company_id, invoice.invoice_id));
            if ctx.ui.is_json() {
                ctx.ui.item(&invoice, String::new);
            } else {
                found.push(invoice);
            }
        }
        if ctx.ui.is_closed() {
            break;
        }
    }
    ctx.ui.table(&table(&found));
    if !found.is_empty() && ctx.ui.shows_details() {
        ctx.ui.say(sums.text());
    }
    if let Some(last) = last.filter(|_| more) {
        ctx.ui.note(format!("only the first {} are shown; the same with --after '{last}' goes on", args.limit));
    }
    Ok(ExitCode::Done)
}

fn query(args: &ListArgs, ctx: &Context, tx: &mut Tx) -> Result<Query> {
    let days = |from, to| Days { from, to };
    let minor = |amount: Option<Decimal>| match (amount, args.currency) {
        (Some(amount), Some(currency)) => {
            Money::exact(amount, currency).map(|money| Some(money.minor())).map_err(|invalid| Error::usage(invalid.0))
        }
        _ => Ok(None),
    };
    let states: std::result::Result<Vec<InvoiceState>, Invalid> = args.state.iter().map(|state| state.parse()).collect();
    let mut filter = Filter {
        states: states.map_err(|invalid| Error::usage(invalid.0))?,
        company_id: args.company_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        seller_id: args.seller_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        contract_id: args.contract_id.as_ref().map(ToString::to_string).unwrap_or_default(),
        currency: args.currency,
        starts: args
            .period
            .as_ref()
            .map_or_else(Days::default, |period| days(Some(period.starts_in().start()), period.starts_in().end().pred_opt())),
        issued: days(args.issued_from, args.issued_to),
        due: days(args.due_from, args.due_to),
        total_minor: (minor(args.total_from)?, minor(args.total_to)?),
    };
    let overdue = if args.overdue { Some(todays(ctx, tx)?) } else { None };
    if let Some(todays) = &overdue {
        filter.states = vec![InvoiceState::Open];
        let yesterday = todays.values().max().and_then(NaiveDate::pred_opt);
        filter.due.to = filter.due.to.into_iter().chain(yesterday).min();
    }
    let sort = match args.sort.as_deref() {
        Some("company") => Sort::Company,
        Some("number") => Sort::Number,
        Some("issued") => Sort::Issued,
        Some("due") => Sort::Due,
        Some("period") => Sort::Period,
        Some("total") => Sort::Total,
        _ if filter.due != Days::default() => Sort::Due,
        _ if filter.issued != Days::default() => Sort::Issued,
        _ => Sort::Company,
    };
    Ok(Query { filter, sort, descending: args.desc, text: args.text.as_ref().map(|text| text.to_lowercase()), overdue })
}

/// What day it is for each seller.
fn todays(ctx: &Context, tx: &mut Tx) -> Result<HashMap<SellerId, NaiveDate>> {
    let today = |zone: chrono_tz::Tz| ctx.as_of.with_timezone(&zone).date_naive();
    Ok(sellers::all(tx)?.into_iter().map(|seller| (seller.seller_id, today(seller.time_zone))).collect())
}

/// The invoice after which the list goes on: by its number, or by its company and id.
fn named(tx: &mut Tx, name: &str) -> Result<Invoice> {
    // Only ids are found without a number, and they have no slash.
    let of_company = name.rsplit_once('/').and_then(|(company, id)| Some((company.parse::<CompanyId>().ok()?, id)));
    match of_company {
        Some((company, id)) if id.parse::<crate::model::InvoiceId>().is_ok() => find(tx, id, Some(&company)),
        _ => find(tx, name, None),
    }
}

impl Query {
    /// Those of a page that are wanted.
    fn wanted(&self, tx: &mut Tx, mut page: Vec<Invoice>) -> Result<Vec<Invoice>, StoreError> {
        if let Some(todays) = &self.overdue {
            page.retain(|invoice| match (todays.get(&invoice.seller_id), invoice.due_on) {
                (Some(today), Some(due)) => due < *today,
                _ => false,
            });
        }
        if let Some(text) = &self.text {
            let ids: BTreeSet<&str> = page.iter().map(|invoice| invoice.company_id.as_str()).collect();
            let names = companies::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
            let names: HashMap<CompanyId, String> = names.into_iter().map(|company| (company.company_id, company.name)).collect();
            page.retain(|invoice| {
                let contract = invoice.contract_id.as_ref().map_or("", ContractId::as_str);
                let name = names.get(&invoice.company_id).map_or("", String::as_str);
                let number = invoice.number.as_deref().unwrap_or_default();
                let places =
                    [number, invoice.invoice_id.as_str(), invoice.company_id.as_str(), contract, &invoice.reference, name];
                places.iter().any(|place| place.to_lowercase().contains(text))
            });
        }
        Ok(page)
    }
}

/// What is listed, added up.
#[derive(Default)]
struct Sums {
    count: u64,
    credit_notes: u64,
    totals: BTreeMap<Currency, Money>,
}

impl Sums {
    fn add(&mut self, invoice: &Invoice) -> Result<()> {
        self.count += 1;
        self.credit_notes += u64::from(invoice.is_credit_note());
        let total = self.totals.entry(invoice.currency).or_insert_with(|| Money::zero(invoice.currency));
        let amount = if invoice.is_credit_note() { total.checked_sub(invoice.total) } else { total.checked_add(invoice.total) };
        *total = amount.map_err(|error| Error::failed(format!("the sum of the list: {error}")))?;
        Ok(())
    }

    fn text(&self) -> String {
        let several = |count, one: &str| if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") };
        let mut count = several(self.count - self.credit_notes, "invoice");
        if self.credit_notes > 0 {
            count.push_str(&format!(" less {}", several(self.credit_notes, "credit note")));
        }
        let totals = self.totals.iter().map(|(currency, total)| format!("{total} {currency}"));
        format!("{count}: {}", totals.collect::<Vec<_>>().join(", "))
    }
}

fn table(found: &[Invoice]) -> Table {
    let columns = [
        Column::left("Invoice"),
        Column::state("State"),
        Column::left("Company"),
        Column::left("Period"),
        Column::left("Issued"),
        Column::left("Due"),
        Column::right("Total"),
        Column::left(""),
    ];
    let mut table = Table::new(&columns);
    found.iter().for_each(|invoice| table.row(cells(invoice)));
    table
}

fn cells(i: &Invoice) -> Vec<String> {
    let date = |d: Option<NaiveDate>| d.map(|d| d.to_string()).unwrap_or_default();
    let state = match i.state {
        _ if i.is_credit_note() => "credit note".to_owned(),
        _ if i.stale => "draft, stale".to_owned(),
        state => state.to_string(),
    };
    vec![
        i.label().to_owned(),
        state,
        i.company_id.to_string(),
        i.period.to_string(),
        date(i.issued_on),
        date(i.due_on.filter(|_| !i.is_credit_note())),
        i.total.to_string(),
        i.currency.to_string(),
    ]
}
