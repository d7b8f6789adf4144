//! Writing an amendment: the versions, the pauses and the end, what is credited and charged, where the
//! billing stands now, and who did it.

use super::{Amended, Desk, Line, Order, action, failed, nothing};
use crate::error::{Error, Result};
use crate::jobs::generate::{draft, entry, insert, reschedule};
use crate::model::{Adjustment, BillableItem, Company, Contract, InvoiceId, Money, SourceKey, Timing};
use crate::operations::import::standing::{companies_changed, contracts_changed, key_of};
use crate::rules::amend::{Agreement, Amendment};
use crate::rules::billing::{Adjusted, Reference, build_invoice};
use crate::rules::periods::{BillingCalendar, ServicePeriod};
use crate::store::audit::{self, Entry};
use crate::store::billing::Next;
use crate::store::{Tx, billing, contracts, items, pauses, plans};
use chrono::NaiveDate;
use serde_json::json;
use std::collections::BTreeSet;

/// What source keys of adjustments begin with; no import may bring such.
pub const PREFIX: &str = "change:";

/// What they begin with besides where an export brought them into another database, as items like any other.
pub const MOVED: &str = "moved:";

/// An amendment that is being written.
pub(super) struct Work<'a> {
    pub desk: Desk<'a>,
    pub order: &'a Order,
    pub company: &'a Company,
    pub reference: &'a Reference,
    /// The seller's.
    pub today: NaiveDate,
    pub before: &'a Agreement,
    pub after: &'a Agreement,
}

impl Work<'_> {
    pub fn record(&self, tx: &mut Tx, adjusted: &[Adjusted]) -> Result<Amended> {
        let mut entries = self.write_agreement(tx)?;
        let contract = &self.after.contract;
        self.extend_periods(tx, adjusted)?;
        reschedule(tx, &contract.company_id, &contract.contract_id)?;
        let (next, revision) = billing::schedule(tx, &contract.company_id, &contract.contract_id)?.unwrap_or_default();
        let calendar = BillingCalendar::new(contract).map_err(|invalid| Error::refused(invalid.0))?;
        let alone_on = |adjusts: NaiveDate| self.alone_on(&calendar, next, adjusts);
        let made = self.billable(adjusted, revision, &alone_on)?;
        let first = made.iter().filter_map(|item| item.adjustment.as_ref()).map(|adjustment| adjustment.alone_on).min();
        let rows: Vec<(&BillableItem, NaiveDate)> =
            made.iter().filter_map(|item| Some((item, item.adjustment.as_ref()?.alone_on))).collect();
        entries.extend(self.postponed(tx, &alone_on)?);
        if !items::insert(tx, &rows)? {
            return Err(Error::refused(format!("items of company {} have keys that begin with {PREFIX}", contract.company_id))
                .hint("such keys belong to changes of contracts: rename the items, which a version before imported"));
        }
        let lines: Vec<Line> = made.iter().filter_map(Line::of).collect();
        let total = total(&lines, contract)?;
        entries.push(self.entry(&lines, total));
        entries.extend(made.iter().map(|item| Entry {
            company_id: item.company_id.to_string(),
            action: "billable_item.added",
            entity: "billable_item",
            entity_id: item.source_key.to_string(),
            payload: items::change(None, item, item.adjustment.as_ref().map_or(self.today, |adjustment| adjustment.alone_on)),
        }));
        let stands_alone = first.is_none_or(|first| first <= self.today) && (next.is_none() || self.order.at_once);
        let draft = if stands_alone { self.draft(tx, &mut entries)? } else { None };
        let mut stale_drafts = contracts_changed(tx, &BTreeSet::from([key_of(contract)]))?;
        if draft.is_none() && !made.is_empty() {
            // An open draft may take them up.
            stale_drafts += companies_changed(tx, &BTreeSet::from([contract.company_id.clone()]))?;
        }
        audit::append(tx, self.desk.author, &entries)?;
        let billed_on = first.filter(|_| draft.is_none());
        Ok(Amended { unchanged: false, lines, total, draft, billed_on, stale_drafts, ..nothing(self.after, self.order) })
    }

    /// When what is credited or charged is billed: at once when that is wanted; with the next invoice; in arrears
    /// with its own period, where that is not over yet; without an invoice to come when the change begins to hold.
    fn alone_on(&self, calendar: &BillingCalendar, next: Option<Next>, adjusts: NaiveDate) -> NaiveDate {
        if self.order.at_once {
            return self.today;
        }
        let waits = next.map_or_else(|| self.order.on.max(self.today), |next| next.due_on);
        let is_running = |period: &ServicePeriod| self.today < period.service.end();
        let own = match self.after.contract.timing {
            Timing::Arrears => calendar.beginning_on(adjusts).filter(is_running),
            Timing::Advance => None,
        };
        own.map_or(waits, |period| period.service.end().min(waits))
    }

    /// What earlier changes left to bill waits for the same: an end that is taken back brings an invoice.
    fn postponed(&self, tx: &mut Tx, alone_on: &dyn Fn(NaiveDate) -> NaiveDate) -> Result<Vec<Entry>> {
        let contract = &self.after.contract;
        let mut entries = Vec::new();
        if self.order.at_once {
            return Ok(entries);
        }
        for (item, taken) in items::adjustments(tx, &contract.company_id, &contract.contract_id)? {
            let Some(adjustment) = item.adjustment.clone().filter(|_| taken.is_none()) else { continue };
            let day = alone_on(adjustment.adjusts);
            if day == adjustment.alone_on {
                continue;
            }
            let moved = BillableItem { adjustment: Some(Adjustment { alone_on: day, ..adjustment }), ..item.clone() };
            items::upsert(tx, &[(&moved, day)])?;
            entries.push(Entry {
                company_id: item.company_id.to_string(),
                action: "billable_item.changed",
                entity: "billable_item",
                entity_id: item.source_key.to_string(),
                payload: json!({ "before": { "stand_alone_on": item.adjustment.map(|a| a.alone_on) }, "after": { "stand_alone_on": day } })
                    .to_string(),
            });
        }
        Ok(entries)
    }

    /// What is charged beyond an end that is taken back is billed service, which no import may change.
    fn extend_periods(&self, tx: &mut Tx, adjusted: &[Adjusted]) -> Result<()> {
        let contract = &self.after.contract;
        let calendar = BillingCalendar::new(contract).map_err(|invalid| Error::refused(invalid.0))?;
        let starts: BTreeSet<NaiveDate> = adjusted.iter().map(|adjusted| adjusted.adjusts).collect();
        for start in starts {
            if let Some(period) = calendar.beginning_on(start) {
                billing::extend(tx, &contract.company_id, &contract.contract_id, start, period.service.end())?;
            }
        }
        Ok(())
    }

    fn write_agreement(&self, tx: &mut Tx) -> Result<Vec<Entry>> {
        let (before, after) = (self.before, self.after);
        let company_id = &after.contract.company_id;
        let note =
            |action, entity, entity_id, payload| Entry { company_id: company_id.to_string(), action, entity, entity_id, payload };
        let mut entries = Vec::new();
        if before.contract != after.contract {
            contracts::upsert(tx, &[&after.contract])?;
            let payload = contracts::change(Some(&before.contract), &after.contract);
            entries.push(note("contract.changed", "contract", after.contract.contract_id.to_string(), payload));
        }
        let place = |item: &crate::model::ContractItem| (item.item_id.clone(), item.valid_from);
        let id = |item: &crate::model::ContractItem| format!("{}/{}/{}", item.contract_id, item.item_id, item.valid_from);
        for gone in before.items.iter().filter(|old| !after.items.iter().any(|new| place(new) == place(old))) {
            contracts::delete_item(tx, gone)?;
            let payload = json!({ "before": { "end_on": gone.end, "unit_price": gone.unit_price, "quantity": gone.quantity } });
            entries.push(note("contract_item.removed", "contract_item", id(gone), payload.to_string()));
        }
        let written: Vec<_> = after.items.iter().filter(|item| !before.items.contains(item)).collect();
        contracts::upsert_items(tx, &written)?;
        for item in written {
            let old = before.items.iter().find(|old| place(old) == place(item));
            let action = if old.is_some() { "contract_item.changed" } else { "contract_item.added" };
            entries.push(note(action, "contract_item", id(item), contracts::item_change(old, item)));
        }
        let moved: Vec<_> = after.plans.iter().filter(|plan| !before.plans.contains(plan)).collect();
        plans::upsert_contracts(tx, &moved)?;
        for on in moved {
            let old = before.plans.iter().find(|old| old.valid_from == on.valid_from);
            let action = if old.is_some() { "contract_plan.changed" } else { "contract_plan.added" };
            let id = format!("{}/{}", on.contract_id, on.valid_from);
            entries.push(note(action, "contract_plan", id, plans::contract_change(old, on)));
        }
        let paused: Vec<_> = after.pauses.iter().filter(|pause| !before.pauses.contains(pause)).collect();
        pauses::upsert(tx, &paused)?;
        Ok(entries)
    }

    /// What is credited and charged, as items. The schedule's revision, which no other change of this
    /// contract has or will have, makes their keys unique.
    fn billable(
        &self,
        adjusted: &[Adjusted],
        revision: i64,
        alone_on: &dyn Fn(NaiveDate) -> NaiveDate,
    ) -> Result<Vec<BillableItem>> {
        let contract = &self.after.contract;
        let keys = adjusted.iter().enumerate().map(|(index, _)| source_key(contract, revision, index + 1));
        adjusted
            .iter()
            .zip(keys)
            .map(|(adjusted, key)| Ok(billable(contract, adjusted, key?, alone_on(adjusted.adjusts))))
            .collect()
    }

    /// One draft of all that changes of this contract have left to bill.
    fn draft(&self, tx: &mut Tx, entries: &mut Vec<Entry>) -> Result<Option<InvoiceId>> {
        let contract = &self.after.contract;
        let open = items::adjustments(tx, &contract.company_id, &contract.contract_id)?;
        let open: Vec<BillableItem> = open.into_iter().filter(|(_, taken)| taken.is_none()).map(|(item, _)| item).collect();
        let open: Vec<&BillableItem> = open.iter().collect();
        let Some(planned) = build_invoice(self.company, self.reference, &[], &open).map_err(failed)? else { return Ok(None) };
        let new = draft(planned, InvoiceId::from(self.desk.ids.uuid()), 0);
        insert(tx, &[&new])?;
        entries.push(entry("invoice.drafted", &new.invoice, None));
        Ok(Some(new.invoice.head.invoice_id))
    }

    fn entry(&self, lines: &[Line], total: Option<Money>) -> Entry {
        let Order { on, amendment, reason, notice, .. } = self.order;
        let until = match amendment {
            Amendment::Pause(until) => *until,
            _ => None,
        };
        let keys: Vec<&SourceKey> = lines.iter().map(|line| &line.source_key).collect();
        let mut payload = json!({ "on": on, "reason": reason, "adjustments": keys, "total": total });
        for (name, day) in [("until", until), ("notice_given", *notice)] {
            if let Some(day) = day {
                payload[name] = json!(day);
            }
        }
        Entry {
            company_id: self.after.contract.company_id.to_string(),
            action: action(amendment),
            entity: "contract",
            entity_id: self.after.contract.contract_id.to_string(),
            payload: payload.to_string(),
        }
    }
}

fn total(lines: &[Line], contract: &Contract) -> Result<Option<Money>> {
    if lines.is_empty() {
        return Ok(None);
    }
    let zero = Money::zero(contract.currency);
    let sum = lines.iter().try_fold(zero, |sum, line| sum.checked_add(line.amount));
    sum.map(Some).map_err(|error| Error::refused(format!("the credits and charges cannot be added up: {error}")))
}

/// `change:contract:0007:001`, by revision and line, so that keys sort as they came; a long contract id is cut and told
/// apart by its hash.
fn source_key(contract: &Contract, revision: i64, n: usize) -> Result<SourceKey> {
    const LONGEST: usize = 32;
    let id = contract.contract_id.as_str();
    let id = if id.chars().count() <= LONGEST {
        id.to_owned()
    } else {
        let cut: String = id.chars().take(LONGEST - 17).collect();
        format!("{}~{}", cut.trim_end(), &crate::model::digest::sha256_hex(id.as_bytes())[..16])
    };
    format!("{PREFIX}{id}:{revision:04}:{n:03}")
        .parse()
        .map_err(|invalid| Error::failed(format!("a key cannot be made: {invalid}")))
}

fn billable(contract: &Contract, adjusted: &Adjusted, source_key: SourceKey, alone_on: NaiveDate) -> BillableItem {
    let Adjusted { adjusts, item_id, line, supplied_on, tax_code } = adjusted;
    BillableItem {
        company_id: contract.company_id.clone(),
        source_key,
        seller_id: contract.seller_id.clone(),
        currency: contract.currency,
        dated: line.period.start(),
        description: line.description.clone(),
        quantity: line.quantity,
        unit: line.unit.clone(),
        unit_price: line.unit_price,
        tax_inclusive: contract.tax_inclusive,
        tax_code: tax_code.clone(),
        adjustment: Some(Adjustment {
            contract_id: contract.contract_id.clone(),
            item_id: item_id.clone(),
            adjusts: *adjusts,
            period: line.period,
            proration: line.proration,
            amount: line.amount,
            supplied_on: *supplied_on,
            alone_on,
        }),
    }
}
