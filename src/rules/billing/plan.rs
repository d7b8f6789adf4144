//! From the facts of one company to its plan: what is due, what goes together, what has to wait.

use super::invoice::{Common, check_item, payment_terms_days};
use super::{
    CompanyFacts, CompanyPlan, ContractFacts, Failed, Failure, Options, Part, PlannedInvoice, Reference, SkipReason, Skipped,
    Subject, bills, build_invoice, calendar,
};
use crate::model::{BillableItem, ContractId, Pause, Period, Seller};
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::rules::pricing::segments;
use crate::rules::schedule::{alone_on, first_unbilled, today};
use chrono::NaiveDate;

/// What is to be billed to one company as of now. Every due, unbilled period of a contract is billed,
/// oldest first, each on an invoice of its own (or with those of the other contracts of the same day,
/// when the company wants them consolidated); open items go along, or stand alone on the company's
/// billing day.
pub fn plan_company(facts: &CompanyFacts, reference: &Reference, options: &Options) -> CompanyPlan {
    let mut planner = Planner { facts, reference, options, plan: CompanyPlan::default(), open: facts.items.iter().collect() };
    planner.open.sort_by(|a, b| (a.dated, &a.source_key).cmp(&(b.dated, &b.source_key)));
    let mut contracts: Vec<&ContractFacts> = facts.contracts.iter().collect();
    contracts.sort_by(|a, b| a.contract.contract_id.cmp(&b.contract.contract_id));

    let mut surveys: Vec<Survey<'_>> = contracts.into_iter().filter_map(|contract| planner.survey(contract)).collect();
    planner.bill_contracts(&mut surveys);
    planner.bill_items();
    for survey in &surveys {
        planner.move_pointer(survey);
    }
    planner.plan.invoices.sort_by(|a, b| order(a).cmp(&order(b)));
    planner.plan
}

/// By due date, then by contract; items that stand alone come last.
fn order(invoice: &PlannedInvoice) -> (NaiveDate, bool, Option<&ContractId>) {
    let contract = invoice.claims.first().map(|claim| &claim.contract_id);
    (invoice.due, contract.is_none(), contract)
}

/// What is due of one contract, and what became of it.
struct Survey<'a> {
    facts: &'a ContractFacts,
    seller: &'a Seller,
    calendar: BillingCalendar,
    /// To be billed now, oldest first.
    due: Vec<ServicePeriod>,
    /// Starts of the periods that are billed in this plan or passed over.
    done: Vec<NaiveDate>,
    /// One of its periods failed: the later ones wait.
    is_blocked: bool,
}

/// One period on its way to an invoice: `survey` is its contract's place in the list.
struct Candidate<'a> {
    survey: usize,
    due_on: NaiveDate,
    part: Part<'a>,
    payment_terms_days: u16,
}

struct Planner<'a> {
    facts: &'a CompanyFacts,
    reference: &'a Reference,
    options: &'a Options,
    plan: CompanyPlan,
    /// Items that no invoice has taken yet, by date.
    open: Vec<&'a BillableItem>,
}

impl<'a> Planner<'a> {
    /// None when the contract has nothing to do with this run, or cannot be judged at all.
    fn survey(&mut self, facts: &'a ContractFacts) -> Option<Survey<'a>> {
        let contract = &facts.contract;
        if self.options.cadence.is_some_and(|cadence| cadence != contract.interval.cadence) {
            return None;
        }
        let judged = self.reference.seller(&contract.seller_id).and_then(|seller| Ok((seller, calendar(facts)?)));
        match judged {
            Err(problem) => {
                self.fail(Subject::Contract(contract.contract_id.clone()), None, problem);
                None
            }
            Ok((seller, calendar)) => {
                let mut survey = Survey { facts, seller, calendar, due: Vec::new(), done: Vec::new(), is_blocked: false };
                self.find_due(&mut survey);
                self.hold_back_too_many(&mut survey);
                Some(survey)
            }
        }
    }

    fn find_due(&mut self, survey: &mut Survey<'a>) {
        let facts = survey.facts;
        let today = today(self.options.as_of, survey.seller.time_zone);
        let named = self.options.period.as_ref().map(|filter| filter.starts_in());
        let from = named.map_or(facts.next_start, |named| facts.next_start.max(named.start()));
        for period in survey.calendar.periods_from(from) {
            let start = period.service.start();
            let due_on = survey.calendar.due_on(&period);
            if named.is_some_and(|named| start >= named.end()) || (named.is_none() && due_on > today) {
                break;
            }
            if facts.billed.contains(&start) {
                continue;
            }
            let mut skip = |reason, detail: &str, on| {
                let subject = Subject::Contract(facts.contract.contract_id.clone());
                self.plan.skipped.push(Skipped { subject, period: Some(period.service), reason, detail: detail.to_owned(), on });
            };
            if due_on > today {
                skip(SkipReason::NotDue, &format!("falls due on {due_on}"), Some(due_on));
            } else if facts.items.is_empty() {
                skip(SkipReason::NoItems, "the contract has no items: import them, or end it", Some(due_on));
                break;
            } else if !bills(facts, &survey.calendar, &period) {
                // Usage comes with the next period; and a closing one may have none.
                if segments(&facts.items, period.service).is_empty() && !survey.calendar.is_closing(&period) {
                    match pause_in(facts, period.service) {
                        Some(pause) => {
                            let until = pause.until.map_or_else(String::new, |until| format!(" until {until}"));
                            skip(SkipReason::Paused, &format!("it is paused from {}{until}", pause.from), None);
                        }
                        None => skip(SkipReason::NothingToBill, "no item of the contract is active in this period", None),
                    }
                }
                survey.done.push(start);
            } else {
                survey.due.push(period);
            }
        }
    }

    /// A person looks first, before a customer gets a year of invoices at once (akaunting #2251).
    fn hold_back_too_many(&mut self, survey: &mut Survey<'a>) {
        let Some(first) = survey.due.first().copied() else { return };
        let missed = survey.due.len();
        if self.options.allow_many_missed || u32::try_from(missed).is_ok_and(|missed| missed <= self.options.max_missed) {
            return;
        }
        survey.due.clear();
        let since = survey.calendar.due_on(&first);
        self.plan.skipped.push(Skipped {
            subject: Subject::Contract(survey.facts.contract.contract_id.clone()),
            period: Some(first.service),
            reason: SkipReason::TooManyMissed,
            detail: format!(
                "{missed} periods are due since {since}: run with --yes to bill them all, or set the contract's bill_from"
            ),
            on: Some(since),
        });
    }

    /// Invoices in the order in which they fell due, so that items go onto the earliest.
    fn bill_contracts(&mut self, surveys: &mut [Survey<'a>]) {
        let mut groups = self.groups(surveys);
        groups.sort_by(|a, b| (a[0].due_on, a[0].survey).cmp(&(b[0].due_on, b[0].survey)));
        for group in groups {
            // A contract waits at its first period that fails; those that would share its invoice do not.
            let mut ready: Vec<&Candidate<'a>> = group.iter().filter(|one| !surveys[one.survey].is_blocked).collect();
            let mut billed = if ready.is_empty() { continue } else { self.bill_group(&ready) };
            if billed.is_err() && ready.len() > 1 {
                ready.retain(|one| match build_invoice(&self.facts.company, self.reference, &[one.part], &[]) {
                    Ok(_) => true,
                    Err(problem) => {
                        self.plan.failed.push(surveys[one.survey].block(one, problem));
                        false
                    }
                });
                billed = if ready.is_empty() { Ok(()) } else { self.bill_group(&ready) };
            }
            for one in ready {
                match &billed {
                    Ok(()) => surveys[one.survey].done.push(one.part.1.service.start()),
                    Err(problem) => self.plan.failed.push(surveys[one.survey].block(one, problem.clone())),
                }
            }
        }
    }

    /// What goes onto one invoice: one period, or those of the same day and terms when the company
    /// wants its contracts consolidated.
    fn groups(&self, surveys: &[Survey<'a>]) -> Vec<Vec<Candidate<'a>>> {
        let company = &self.facts.company;
        let mut candidates = Vec::new();
        for (index, survey) in surveys.iter().enumerate() {
            candidates.extend(survey.due.iter().map(|period| {
                let part = (survey.facts, *period);
                let payment_terms_days = payment_terms_days(&part, company, survey.seller);
                Candidate { survey: index, due_on: survey.calendar.due_on(period), part, payment_terms_days }
            }));
        }
        if !company.consolidate {
            return candidates.into_iter().map(|candidate| vec![candidate]).collect();
        }
        candidates.sort_by(|a, b| a.merge_key().cmp(&b.merge_key()).then(a.survey.cmp(&b.survey)));
        let mut groups: Vec<Vec<Candidate<'a>>> = Vec::new();
        for candidate in candidates {
            match groups.last_mut() {
                Some(group) if group[0].merge_key() == candidate.merge_key() => group.push(candidate),
                _ => groups.push(vec![candidate]),
            }
        }
        groups
    }

    fn bill_group(&mut self, group: &[&Candidate<'a>]) -> Result<(), Failure> {
        let parts: Vec<Part<'a>> = group.iter().map(|candidate| candidate.part).collect();
        let end = parts.iter().map(|(_, period)| period.service.end()).max();
        let items = match (parts.first(), end) {
            (Some(first), Some(end)) => {
                let common = Common::of_part(first);
                self.billable(|item| Common::of_item(item) == common && item.dated < end)
            }
            _ => Vec::new(),
        };
        let invoice = build_invoice(&self.facts.company, self.reference, &parts, &items)?;
        self.accept(invoice, &items);
        Ok(())
    }

    /// What no contract's invoice took: one invoice a seller, currency and way of pricing.
    fn bill_items(&mut self) {
        if self.options.cadence.is_some() || self.open.is_empty() {
            return;
        }
        let mut ready = self.ready_items();
        ready.sort_by(|a, b| Common::of_item(a).cmp(&Common::of_item(b)));
        for items in ready.chunk_by(|a, b| Common::of_item(a) == Common::of_item(b)) {
            match build_invoice(&self.facts.company, self.reference, &[], items) {
                Ok(invoice) => self.accept(invoice, items),
                Err(problem) => {
                    for item in items {
                        self.fail(Subject::Item(item.source_key.clone()), None, problem.clone());
                    }
                }
            }
        }
    }

    /// The open items whose day has come, as far as they can be billed.
    fn ready_items(&mut self) -> Vec<&'a BillableItem> {
        let (options, reference, billing_day) = (self.options, self.reference, self.facts.company.billing_day);
        let named = options.period.as_ref().map(|filter| filter.starts_in());
        let mut later = Vec::new();
        let ready = self.billable(|item| {
            if named.is_some_and(|named| !named.contains(item.dated)) {
                return false;
            }
            let on = alone_on(item, billing_day);
            // An item whose seller is missing has no today; it fails when it is checked.
            let waits = reference.seller(&item.seller_id).is_ok_and(|seller| on > today(options.as_of, seller.time_zone));
            if waits && named.is_some() {
                later.push((item.source_key.clone(), on));
            }
            !waits
        });
        self.plan.skipped.extend(later.into_iter().map(|(key, on)| Skipped {
            subject: Subject::Item(key),
            period: None,
            reason: SkipReason::NotDue,
            detail: format!("stands alone on {on} unless an invoice takes it up before"),
            on: Some(on),
        }));
        ready
    }

    /// The open items that are wanted and can be billed. Those that cannot are told and set aside.
    fn billable(&mut self, mut wanted: impl FnMut(&BillableItem) -> bool) -> Vec<&'a BillableItem> {
        let (company, reference) = (&self.facts.company, self.reference);
        let mut good = Vec::new();
        let mut bad = Vec::new();
        self.open.retain(|item| {
            if !wanted(item) {
                return true;
            }
            let checked = check_item(company, reference, item);
            let is_good = checked.is_ok();
            match checked {
                Ok(()) => good.push(*item),
                Err(problem) => bad.push((item.source_key.clone(), problem)),
            }
            is_good
        });
        for (key, problem) in bad {
            self.fail(Subject::Item(key), None, problem);
        }
        good
    }

    /// `items` are all on the invoice, in the order of `open`.
    fn accept(&mut self, invoice: Option<PlannedInvoice>, items: &[&BillableItem]) {
        self.plan.invoices.extend(invoice);
        let mut taken = items.iter().peekable();
        self.open.retain(|item| taken.next_if(|taken| std::ptr::eq(**taken, *item)).is_none());
    }

    fn fail(&mut self, subject: Subject, period: Option<Period>, problem: Failure) {
        self.plan.failed.push(Failed { subject, period, problem });
    }

    fn move_pointer(&mut self, survey: &Survey<'_>) {
        let facts = survey.facts;
        let is_done = |start| survey.done.contains(&start) || facts.billed.contains(&start);
        let next = first_unbilled(&survey.calendar, facts.next_start, is_done);
        if next.map(|next| next.next_start) != Some(facts.next_start) {
            self.plan.schedule.push((facts.contract.contract_id.clone(), next));
        }
    }
}

impl Survey<'_> {
    fn block(&mut self, at: &Candidate<'_>, problem: Failure) -> Failed {
        self.is_blocked = true;
        let (facts, period) = at.part;
        Failed { subject: Subject::Contract(facts.contract.contract_id.clone()), period: Some(period.service), problem }
    }
}

impl Candidate<'_> {
    fn merge_key(&self) -> (NaiveDate, Common<'_>, u16) {
        (self.due_on, Common::of_part(&self.part), self.payment_terms_days)
    }
}

/// The pause that a period lies in, or some of it.
fn pause_in(facts: &ContractFacts, service: Period) -> Option<&Pause> {
    let meets = |pause: &&Pause| pause.from < service.end() && pause.until.is_none_or(|until| service.start() < until);
    facts.pauses.iter().find(meets)
}
