//! Couriers as they tell one's own people.

use crate::engine::outbox::{Deliver, Found, Outcome, Policy};
use crate::error::Result;
use crate::model::message::Message;
use crate::model::{EffectKind, Failure, Receipt};
use crate::store::effects::Effect;
use crate::store::{Db, Tx};
use std::cell::OnceCell;

/// A courier that is always ready: that a template has a slip may be what it has to tell, and what is for staff is told in
/// the built-in words then. Customers' messages have none to fall back to: they are left alone until it is mended.
pub(super) struct ForStaff<'c> {
    courier: Box<dyn Deliver + 'c>,
    chosen: Chosen,
    /// Whether the templates are in order, once it was asked.
    in_order: OnceCell<bool>,
}

/// Which messages it takes.
#[derive(Clone, Copy)]
pub(super) enum Chosen {
    /// All that are due.
    All,
    /// Of those for staff, these.
    Only(fn(&Message) -> bool),
}

impl<'c> ForStaff<'c> {
    pub fn all(couriers: impl IntoIterator<Item = Box<dyn Deliver + 'c>>, chosen: Chosen) -> Vec<Self> {
        couriers.into_iter().map(|courier| Self { courier, chosen, in_order: OnceCell::new() }).collect()
    }
}

impl Deliver for ForStaff<'_> {
    fn kind(&self) -> EffectKind {
        self.courier.kind()
    }

    fn provider(&self) -> &str {
        self.courier.provider()
    }

    fn policy(&self) -> Policy {
        self.courier.policy()
    }

    fn takes(&self, effect: &Effect) -> bool {
        let for_staff = Message::of_payload(&effect.payload).ok().filter(|message| message.about.is_for_staff());
        match (self.chosen, for_staff) {
            (Chosen::Only(is_chosen), Some(message)) => is_chosen(&message),
            (Chosen::Only(_), None) => false,
            (Chosen::All, Some(_)) => true,
            (Chosen::All, None) => *self.in_order.get_or_init(|| self.courier.ready().is_ok()),
        }
    }

    fn look_for_lost(&self, db: &mut Db) -> Result<()> {
        self.courier.look_for_lost(db)
    }

    fn finish(&self, db: &mut Db) -> Result<()> {
        self.courier.finish(db)
    }

    fn prepare(&self, db: &mut Db, coming: &[Effect], then: &[Effect]) -> Result<()> {
        self.courier.prepare(db, coming, then)
    }

    fn carry_out(&self, db: &mut Db, effects: &[Effect]) -> Result<Vec<Outcome>> {
        self.courier.carry_out(db, effects)
    }

    fn look_up(&self, db: &mut Db, effect: &Effect) -> Result<std::result::Result<Found, Failure>> {
        self.courier.look_up(db, effect)
    }

    fn after_a_lost_answer(&self) -> &'static str {
        self.courier.after_a_lost_answer()
    }

    fn record(&self, tx: &mut Tx, done: &[(&Effect, &Receipt)]) -> Result<()> {
        self.courier.record(tx, done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::outbox::Calls;
    use crate::model::WorkClass;
    use crate::rules::retry::Repeat;

    struct Courier;

    impl Deliver for Courier {
        fn kind(&self) -> EffectKind {
            EffectKind::Mail
        }

        fn provider(&self) -> &str {
            "smtp"
        }

        fn policy(&self) -> Policy {
            Policy { class: WorkClass::Mail, repeat: Repeat::Harmless, block: 1, calls: Calls::Together }
        }

        fn ready(&self) -> Result<()> {
            Err(crate::error::Error::config("a slip"))
        }

        fn carry_out(&self, _db: &mut Db, _effects: &[Effect]) -> Result<Vec<Outcome>> {
            Ok(Vec::new())
        }

        fn after_a_lost_answer(&self) -> &'static str {
            "it is sent once more"
        }
    }

    #[test]
    fn it_says_what_its_courier_says_but_that_it_is_not_ready() {
        let couriers = ForStaff::all([Box::new(Courier) as Box<dyn Deliver>], Chosen::All);
        assert_eq!(couriers[0].after_a_lost_answer(), "it is sent once more");
        assert!(couriers[0].ready().is_ok());
    }
}
