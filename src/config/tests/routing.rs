//! Of `[people]`, `[[routes]]` and what they lead to.

use super::*;

const ANNA: &str = "[people.anna]\nphone = \"+4915112345678\"\nquiet = \"20:00-07:00\"\n";

fn routed(line: &str) -> String {
    format!("{ANNA}[[routes]]\nevents = [\"job.*\"]\nto = [\"in_app:board\"]\n{line}\n")
}

#[test]
fn routes_lead_to_people_by_their_channels() {
    use crate::model::message::{Channel, MessageKind, Severity};
    use crate::model::routing::{DigestTime, Target};
    let text = routed("severity = \"warning\"\ndigest = \"daily 08:30\"\ncompanies = [\"acme\"]");
    let routing = parse(&text).unwrap().routing;
    let (route, anna) = (&routing.routes[0], &routing.people["anna"]);
    assert_eq!(route.events, [MessageKind::JobFailed, MessageKind::JobRecovered]);
    assert_eq!((route.severity, route.to.len()), (Severity::Warning, 1));
    assert_eq!(route.to[0], Target::Address { channel: Channel::InApp, address: "board".to_owned() });
    assert!(matches!(route.digest, Some(DigestTime::Daily(_))));
    assert_eq!((anna.name.as_str(), anna.language.as_str(), anna.time_zone), ("anna", "en", chrono_tz::UTC));
    let everything = parse("[[routes]]\nevents = [\"*\"]\nto = [\"in_app:x\"]").unwrap().routing;
    assert_eq!(everything.routes[0].events, crate::model::routing::STAFF_KINDS);
    let zone = parse(&format!("[alerts]\ntime_zone = \"Asia/Tokyo\"\nlanguage = \"de\"\n{ANNA}")).unwrap().routing;
    assert_eq!((zone.people["anna"].time_zone, zone.people["anna"].language.as_str()), (chrono_tz::Asia::Tokyo, "de"));
}

#[test]
fn mistakes_in_routes_are_told_with_their_place() {
    for (text, reason) in [
        (routed("digest = \"weekly\""), "7:10 routes.1.digest must be hourly, or daily and a time"),
        (routed("digest = \"daily 25:00\""), "7:10 routes.1.digest \"25:00\" is no time of the day"),
        (routed("severity = \"bad\""), "7:12 routes.1.severity must be one of info, warning, critical"),
        (routed("channels = [\"fax\"]"), "7:13 routes.1.channels must be one of email, sms"),
        (routed("channels = [\"in_app\", \"sms\"]"), "7:23 routes.1.channels sms needs a section [sms]"),
        (routed("channels = [\"webhook\"]"), "7:13 routes.1.channels webhook leads to no person"),
        (routed("companies = [\"_x\"]"), "7:14 routes.1.companies company id must not start"),
        (routed("chanels = [\"sms\"]"), "7:1 routes.1.chanels unknown key; did you mean channels?"),
        (routed("").replace("in_app:board", "ana"), "6:7 routes.1.to there is no [people.ana]; did you mean anna?"),
        (routed("").replace("in_app:board", "anna"), "6:6 routes.1.to people are reached by email unless channels says"),
        (routed("").replace("in_app:board", "webhook:ops"), "6:7 routes.1.to webhook:ops needs a section [webhooks.ops]"),
        (routed("").replace("in_app:board", "slack:#x"), "6:7 routes.1.to slack needs a section [slack]"),
        (routed("").replace("in_app:board", "slack:x"), "6:7 routes.1.to must be #channel, @user"),
        (routed("").replace("in_app:board", "email:x"), "6:7 routes.1.to \"x\" is no mail address"),
        (routed("").replace("in_app:board", "in_app:"), "6:7 routes.1.to \"in_app:\" names nobody"),
        (routed("").replace("[\"in_app:board\"]", "[]"), "6:6 routes.1.to must not be empty"),
        (routed("").replace("job.*", "job.faild"), "5:11 routes.1.events \"job.faild\" is no event; did you mean job.failed?"),
        (routed("").replace("job.*", "reminder.*"), "5:11 routes.1.events \"reminder.*\" is no event; must be one of"),
        ("[[routes]]\nto = [\"in_app:x\"]".to_owned(), "1:1 routes.1.events is missing"),
        ("[routes]\nto = [\"in_app:x\"]".to_owned(), "1:1 routes must be sections [[routes]], not a section"),
        (ANNA.replace("20:00", "8 pm"), "3:9 people.anna.quiet \"8 pm\" is no time of the day"),
        (ANNA.replace("20:00", "07:00"), "3:9 people.anna.quiet must leave a part of the day"),
        (ANNA.replace("+49", "0"), "2:9 people.anna.phone must be a number with its country"),
        (format!("{ANNA}time_zone = \"Berlin\""), "4:13 people.anna.time_zone must be an IANA time zone"),
        (format!("{ANNA}quiet_days = [\"Sunday\"]"), "4:15 people.anna.quiet_days must be mon, tue"),
        ("[people]\nanna = 1".to_owned(), "2:8 people.anna must be a section [people.anna], not a whole number"),
        ("[alerts]\ncritical_jobs = [\"x\"]".to_owned(), "2:18 alerts.critical_jobs must be one of invoices.generate"),
    ] {
        let found = problems(&text);
        assert!(found.len() == 1 && found[0].starts_with(reason), "{text}: {found:#?}");
    }
}

#[test]
fn what_nothing_tells_yet_is_not_waited_for() {
    for kind in ["invoice.failed", "invoice.refunded", "invoice.held", "balance.low"] {
        let reason = format!("{kind} comes with the job that makes it, which this version does not have");
        assert_eq!(problems(&routed("").replace("job.*", kind)), [format!("5:11 routes.1.events {reason}")]);
        assert_eq!(problems(&format!("[messages]\ncustomer = [\"{kind}\"]")), [format!("2:13 messages.customer {reason}")]);
    }
    assert!(parse("[messages]\ncustomer = [\"invoice.issued\", \"invoice.paid\"]").is_ok());
    let found = problems("[messages]\ncustomer = [\"job.failed\"]");
    assert_eq!(found, ["2:13 messages.customer must be one of invoice.issued, invoice.paid, invoice.voided"]);
}

#[test]
fn a_webhook_of_slack_leads_to_one_channel() {
    let to = |to: &str| routed("").replace("in_app:board", to);
    let hook = "[slack]\nwebhook_url = \"https://hooks.slack.com/services/canary\"\n";
    let token = "[slack]\ntoken = \"canary\"\nchannel = \"#a\"\n";
    assert!(parse(&(to("slack:webhook") + hook)).is_ok() && parse(&(to("slack:#billing") + token)).is_ok());
    let one = "[slack] has a webhook_url, which leads to one channel of its own: write slack:webhook into to";
    for (text, at) in [
        (to("slack:#billing") + hook, "6:7 routes.1.to"),
        (to("slack:U0123456789") + hook, "6:7 routes.1.to"),
        (format!("[people.anna]\nslack = \"@anna\"\n{hook}"), "2:9 people.anna.slack"),
    ] {
        let found = problems(&text);
        assert!(found.len() == 1 && found[0].starts_with(&format!("{at} {one}")), "{text}: {found:?}");
    }
    assert_eq!(
        problems(&(to("slack:webhook") + token))[0],
        "6:7 routes.1.to must be #channel, @user, or an id such as C0123456789"
    );
}
