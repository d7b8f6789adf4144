//! What must not wait for the next `alerts dispatch`: the failure of a critical job, told at the end of
//! its own run. It is no run of its own: it has no row, no sign of life and no witness, so that it also
//! works while the clock or the database is in doubt, and takes nothing of that doubt away.

use super::staff::{Chosen, ForStaff};
use super::{Couriers, Key, plan, record};
use crate::context::Context;
use crate::engine::host;
use crate::engine::outbox::{self, Delivery};
use crate::engine::signals::Signals;
use crate::engine::summary::Summary;
use crate::error::{Error, ErrorKind, Result};
use crate::model::RunId;
use crate::model::message::{About, Message, MessageKind, Severity};
use crate::store::Db;
use crate::store::events::{self, After, Audience};

/// Tells what is critical to whom it concerns, and that a job has ended to whom the configuration names.
/// Whatever else waits is left to wait. Its failure is a warning: the next `alerts dispatch` tells it.
pub fn tell_at_once(ctx: &Context, db: &mut Db) {
    let mails = ctx.config.notify.as_ref().is_some_and(|notify| notify.email.is_some());
    if ctx.config.routing.routes.is_empty() && !mails {
        return;
    }
    if let Err(error) = plan_critical(ctx, db).and_then(|()| deliver(ctx, db)) {
        ctx.ui.warn(format!("not everybody could be told: {}", error.message));
    }
}

fn plan_critical(ctx: &Context, db: &mut Db) -> Result<()> {
    let routing = &ctx.config.routing;
    db.write(|tx| {
        let mut after = Some(After::default());
        while let Some(place) = &after {
            let (mut page, next) = events::new_page(tx, Audience::Staff, place, ctx.batch)?;
            page.retain(|event| event.severity == Severity::Critical);
            let keys: Vec<Key> = page.into_iter().map(|event| Key::Tell(Box::new(event))).collect();
            record::record(tx, routing, &plan::decide(routing, &keys, ctx.as_of), ctx.clock.now())?;
            after = next;
        }
        Ok::<_, Error>(())
    })
}

fn deliver(ctx: &Context, db: &mut Db) -> Result<()> {
    let signals = Signals::listen();
    let stop = move || signals.asked_to_stop().map_or(Ok(()), Err);
    // Nobody sees these figures: what fails is told as it happens.
    let mut summary = Summary::new(super::super::JobKind::AlertsDispatch.as_str(), ctx.as_of, false);
    let couriers = ForStaff::all(Couriers::new(ctx), Chosen::Only(is_urgent));
    // There is no run that others could look up: the process itself says that it lives.
    let owner = RunId::of_process(&host::process());
    for courier in &couriers {
        if outbox::has_work(courier, ctx, db)? {
            let mut delivery = Delivery { ctx, db, summary: &mut summary, run_id: owner.clone(), stop: &stop };
            match outbox::deliver(courier, &mut delivery) {
                // One way that is refused must not keep the others from telling it.
                Err(error) if error.kind == ErrorKind::Config => ctx.ui.warn(error.message),
                ended => ended?,
            }
        }
    }
    Ok(())
}

fn is_urgent(message: &Message) -> bool {
    match &message.about {
        About::Event { .. } => message.severity == Severity::Critical || message.kind == MessageKind::JobCompleted,
        About::Digest { digest_key, .. } => digest_key.contains(":flood:"),
        About::Invoices { .. } | About::Statement { .. } => false,
    }
}
