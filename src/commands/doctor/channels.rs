//! Whether messages can leave this machine: what may be asked of a server without sending one.

use super::{Report, State};
use crate::context::Context;
use crate::error::Error;
use crate::jobs::messages::checked_templates;
use crate::model::FailureClass;
use crate::providers::mail::smtp::{Settings, Smtp};
use std::time::Duration;

/// Somebody is waiting for the answer.
const LONGEST: Duration = Duration::from_secs(15);

/// Can every message be written? As `config check` and every job that sends find it.
pub(super) fn templates(ctx: &Context, report: &mut Report) {
    const CHECK: &str = "templates";
    match (checked_templates(&ctx.config.messages), &ctx.config.messages.templates) {
        (Ok(_), None) => report.ok(CHECK, "all built in"),
        (Ok(_), Some(folder)) => report.ok(CHECK, format!("{}: no mistakes", folder.display())),
        (Err(error), _) => report.error(CHECK, Error { message: error.whole(), ..error }),
    }
}

/// Does the server of mail take our connection, our encryption and our password? No mail is sent.
pub(super) fn mail(ctx: &Context, report: &mut Report) {
    const CHECK: &str = "mail";
    let Some(mail) = &ctx.config.mail else {
        return report.ok(CHECK, "no [mail] in the configuration: none is sent");
    };
    let server = Settings {
        connect_timeout: mail.server.connect_timeout.min(LONGEST),
        timeout: mail.server.timeout.min(LONGEST),
        ..mail.server.clone()
    };
    match Smtp::new(server).check() {
        Ok(told) => report.ok(CHECK, told),
        Err(failure) => {
            report.misconfigured |= failure.class == FailureClass::Denied;
            let hint = failure.hint.unwrap_or(match failure.class {
                FailureClass::Denied => "correct [mail] in finops.toml",
                _ => "check host and port in [mail], and whether this machine may reach them",
            });
            report.add(CHECK, State::Problem, failure.message, hint);
        }
    }
}
