//! `effects settle`: whatever is due of any kind of effect is carried out, and what has no known
//! outcome is looked up. It decides nothing: the effects were planned by other jobs, whose runs
//! carry out their own; this one comes between them, for what is to be tried again.

use crate::context::Context;
use crate::engine::job::{Decided, Job, Plan};
use crate::engine::outbox::Deliver;
use crate::error::Result;
use crate::model::{CompanyId, EffectKind, Money};
use crate::store::Tx;
use crate::store::audit::Entry;
use serde_json::Value;

/// The job: no units, only deliverers.
pub struct Settle<'c> {
    deliverers: Vec<Box<dyn Deliver + 'c>>,
}

impl<'c> Settle<'c> {
    /// Of one kind, or of all.
    pub fn new(ctx: &'c Context, kind: Option<EffectKind>) -> Self {
        let kinds = EffectKind::ALL.iter().filter(|k| kind.is_none_or(|kind| kind == **k));
        Self { deliverers: kinds.filter_map(|kind| super::deliverer(*kind, ctx)).collect() }
    }
}

impl Job for Settle<'_> {
    type Key = CompanyId;
    type Plan = Nothing;

    fn name(&self) -> &'static str {
        super::JobKind::EffectsSettle.as_str()
    }

    fn verb(&self) -> &'static str {
        ""
    }

    fn due(&mut self, _tx: &mut Tx, _limit: u32) -> Result<Vec<CompanyId>> {
        Ok(Vec::new())
    }

    fn count(&self, _tx: &mut Tx) -> Result<u64> {
        Ok(0)
    }

    fn company(key: &CompanyId) -> &CompanyId {
        key
    }

    fn plan(&self, _tx: &mut Tx, _keys: &[CompanyId]) -> Result<Decided<Nothing>> {
        Ok(Decided::default())
    }

    fn record(&self, _tx: &mut Tx, _plans: &mut [Nothing]) -> Result<Vec<Entry>> {
        Ok(Vec::new())
    }

    fn deliverers(&self) -> Vec<&dyn Deliver> {
        self.deliverers.iter().map(|d| &**d).collect()
    }
}

/// There is nothing to decide.
pub enum Nothing {}

impl Plan for Nothing {
    fn amount(&self) -> Option<Money> {
        match *self {}
    }

    fn settles(&self) -> Vec<(CompanyId, String)> {
        match *self {}
    }

    fn item(&self) -> Value {
        match *self {}
    }

    fn text(&self) -> String {
        match *self {}
    }
}
