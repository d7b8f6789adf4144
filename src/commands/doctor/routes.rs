//! Do the routes lead to anybody, and does somebody hear of what matters?

use super::{Report, State};
use crate::context::Context;
use crate::error::Result;
use crate::model::JobKind;
use crate::model::message::MessageKind;
use crate::model::routing::{Routing, Target};
use crate::rules::routing::takes_something;
use crate::store::{Db, companies, runs};

const CHECK: &str = "routes";

/// What the configuration alone tells.
pub(super) fn check(routing: &Routing, report: &mut Report) {
    if routing.routes.is_empty() {
        let hint = "name people and routes in finops.toml: what `finops init` writes explains [people.NAME] and [[routes]]";
        report.add(CHECK, State::Note, "nobody is told of what goes wrong: there are no [[routes]]", hint);
        return;
    }
    let mut all_well = true;
    let mut add = |state, message: String, hint: &str| {
        all_well = false;
        report.add(CHECK, state, message, hint);
    };
    for (number, route) in (1..).zip(&routing.routes) {
        if !takes_something(route) {
            let severity = route.severity;
            let message = format!("route {number} reaches nobody: none of its events is ever {severity}");
            add(State::Warning, message, "lower its severity, or take other events");
        }
    }
    let hears = routing.routes.iter().any(|route| route.events.contains(&MessageKind::JobFailed) && route.companies.is_empty());
    if !hears && !routing.critical_jobs.is_empty() {
        let message = "nobody hears of a critical job that fails: no route for all companies takes job.failed".to_owned();
        add(State::Warning, message, "add it to the events of a route");
    }
    for name in routing.people.keys() {
        let is_named = |target: &Target| matches!(target, Target::Person(person) if person == name);
        if !routing.routes.iter().any(|route| route.to.iter().any(is_named)) {
            add(State::Note, format!("no route leads to {name}"), "add them to a route, or take them out of finops.toml");
        }
    }
    if all_well {
        report.ok(CHECK, format!("{} routes; whoever they name can be reached", routing.routes.len()));
    }
}

/// What takes the database: companies that are not there, and a dispatcher that never ran.
pub(super) fn check_books(ctx: &Context, db: &mut Db, report: &mut Report) -> Result<()> {
    let routing = &ctx.config.routing;
    for (number, route) in (1..).zip(&routing.routes) {
        let mut ids: Vec<&str> = route.companies.iter().map(|id| id.as_str()).collect();
        ids.sort_unstable();
        let found = db.read(|tx| companies::by_ids(tx, &ids))?;
        let missing: Vec<&str> = ids.into_iter().filter(|id| !found.iter().any(|c| c.company_id.as_str() == *id)).collect();
        if let Some(first) = missing.first() {
            let all = if missing.len() == route.companies.len() { " and so reaches nobody" } else { "" };
            let message = format!("route {number} is for companies that do not exist{all}: {first}");
            report.add(CHECK, State::Warning, message, "companies are named by their company_id, as in companies.csv");
        }
    }
    let job = JobKind::AlertsDispatch;
    let waits = !routing.routes.is_empty() && db.read(runs::heartbeats)?.iter().all(|(name, ..)| name != job.as_str());
    if waits {
        let message = format!("{} has never run: of all that is not critical, nobody is told", job.command());
        report.add(
            CHECK,
            State::Warning,
            message,
            format!("add its line from crontab.example: {} {}", job.cron(), job.command()),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::Severity;
    use crate::model::routing::Route;

    fn found(events: Vec<MessageKind>, severity: Severity) -> Vec<String> {
        let to = vec![Target::Person("anna".to_owned())];
        let route = Route { events, severity, to, channels: Vec::new(), digest: None, companies: Vec::new() };
        let routing = Routing {
            people: std::collections::BTreeMap::new(),
            routes: vec![route],
            critical_jobs: vec![JobKind::InvoicesIssue],
            time_zone: chrono_tz::UTC,
            language: "en".to_owned(),
        };
        let mut report = Report::default();
        check(&routing, &mut report);
        report.findings.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_route_that_nothing_takes_is_told() {
        assert!(found(vec![MessageKind::JobFailed], Severity::Critical)[0].starts_with("1 routes"));
        assert!(found(vec![MessageKind::InvoicePaid], Severity::Warning)[0].starts_with("route 1 reaches nobody"));
        assert!(found(vec![MessageKind::ItemParked], Severity::Warning)[0].starts_with("nobody hears of a critical job"));
    }
}
