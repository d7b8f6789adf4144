//! Failures of the other side in a row: after enough of them it is left alone for the run (reliability.md).

use super::{Deliver, Delivery};
use crate::error::{Error, Result};
use crate::model::{Failure, FailureClass};
use crate::rules::retry::{self, GIVE_UP_AFTER};
use crate::store::effects::Effect;

/// Since the last success.
#[derive(Debug, Default)]
pub(super) struct InARow {
    failures: u32,
    /// By what each says of the other side.
    weight: u32,
}

impl InARow {
    pub(super) const fn is_enough(&self) -> bool {
        self.weight >= GIVE_UP_AFTER
    }

    pub(super) const fn has_begun(&self) -> bool {
        self.weight > 0
    }

    /// What one answer says of the other side as a whole: it counts the failures in a row.
    ///
    /// # Errors
    /// When the credentials are refused: nothing else would fare better.
    pub(super) fn heed(
        &mut self,
        deliverer: &dyn Deliver,
        run: &Delivery,
        effect: &Effect,
        failure: Option<&Failure>,
    ) -> Result<()> {
        let Some(failure) = failure else {
            *self = Self::default();
            return Ok(());
        };
        let provider = deliverer.provider();
        if failure.class == FailureClass::Denied {
            let what = failure.hint.unwrap_or("correct the credentials, or the place that they are for, in the configuration");
            return Err(Error::config(format!("{provider} refuses what it is called with: {}", failure.message))
                .hint(format!("{what}; the next run carries out what is planned")));
        }
        let was_enough = self.is_enough();
        let weight = retry::weight(failure, deliverer.policy().repeat);
        self.failures += u32::from(weight > 0);
        self.weight += weight;
        if self.is_enough() && !was_enough {
            let (failures, last) = (self.failures, &effect.key);
            let times = if failures == 1 { "once".to_owned() } else { format!("{failures} times in a row") };
            run.ctx.ui.warn(format!("{provider} failed {times} (last: {last}): left alone in this run"));
        }
        Ok(())
    }
}
