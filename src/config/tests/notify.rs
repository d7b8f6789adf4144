//! Of `[notify_on_completion]` and `[ping]`.

use super::mail::with_mail;
use super::*;

fn with_notice(more: &str) -> String {
    format!("[notify_on_completion]\nurl = \"https://hooks.example.com/canary\"\nsecret = \"{WHSEC}\"\n{more}\n")
}

#[test]
fn a_notice_goes_out_when_it_is_wanted() {
    use crate::model::JobKind::{EffectsSettle, InvoicesGenerate, InvoicesIssue};
    assert!(parse("").unwrap().notify.is_none());
    let wants = |more: &str| {
        let notify = parse(&with_notice(more)).unwrap().notify.unwrap();
        [(false, false), (true, false), (false, true)].map(|(work, failed)| notify.wants(InvoicesGenerate, work, failed))
    };
    assert_eq!(wants(""), [false, true, true]);
    assert_eq!(wants("when = \"always\""), [true, true, true]);
    assert_eq!(wants("when = \"failure\""), [false, false, true]);
    assert_eq!(wants("when = \"always\"\njobs = [\"invoices.issue\"]"), [false, false, false]);
    let notify = parse(&with_notice("")).unwrap().notify.unwrap();
    assert!(notify.wants(InvoicesIssue, true, false) && !notify.wants(EffectsSettle, true, false));
    assert!(notify.wants(EffectsSettle, true, true) && !notify.webhook.unwrap().allow_private_addresses);
}

#[test]
fn mistakes_in_a_notice_are_told_and_its_secrets_are_not() {
    let canary = |text: &str| text.contains("canary") || text.contains(&WHSEC[6..]);
    for (text, reason) in [
        (with_notice("when = \"never\""), "4:8 notify_on_completion.when must be one of always, work, failure"),
        (with_notice("jobs = [\"invoices.isue\"]"), "4:9 notify_on_completion.jobs must be one of invoices.generate"),
        (with_notice("jobs = \"invoices.issue\""), "4:8 notify_on_completion.jobs must be a list in brackets"),
        (with_notice("").replace("https", "http"), "2:7 notify_on_completion.url must begin with https://, or needs"),
        (with_notice("").replace("https", "file"), "2:7 notify_on_completion.url must begin with https://"),
        (with_notice("").replace("https://", ""), "2:7 notify_on_completion.url must be a URL"),
        (with_notice("").replace("hooks.", "joe:canary@hooks."), "2:7 notify_on_completion.url must have no user"),
        (with_notice("").replace("whsec_", "canary_"), "3:10 notify_on_completion.secret must begin with whsec_"),
        (with_notice("").replace("LaSw", "L"), "3:10 notify_on_completion.secret must be base64"),
        (with_notice("").replace("LaSw", ""), "3:10 notify_on_completion.secret must hold 24 to 64 bytes"),
        ("[notify_on_completion]\nsecret_env = \"X\"\n".to_owned(), "1:1 notify_on_completion.url is missing"),
    ] {
        let found = problems(&text);
        assert!(found[0].starts_with(reason), "{text}: {found:#?}");
        let error = format!("{:?}", parse(&text).unwrap_err());
        assert!(!found.iter().any(|text| canary(text)) && !canary(&error), "{error}");
    }
    let allowed = with_notice("allow_private_addresses = true").replace("https", "http");
    assert!(parse(&allowed).unwrap().notify.unwrap().webhook.unwrap().allow_private_addresses);
}

#[test]
fn a_notice_may_go_by_mail_alone() {
    let alone = "[notify_on_completion]\nemail = \"ops@example.com\"\n";
    assert_eq!(problems(alone)[0], "2:9 notify_on_completion.email needs [mail], which says who writes mails");
    let notify = parse(&(alone.to_owned() + &with_mail(""))).unwrap().notify.unwrap();
    assert!(notify.webhook.is_none() && notify.email.as_deref() == Some("ops@example.com"));
    let both = parse(&(with_notice("email = \"ops@example.com\"") + &with_mail(""))).unwrap().notify.unwrap();
    assert!(both.webhook.is_some() && both.email.is_some());
    assert_eq!(
        problems(&("[notify_on_completion]\nemail = \"ops\"\n".to_owned() + &with_mail("")))[0],
        "2:9 notify_on_completion.email \"ops\" is no mail address: write it as name@example.com"
    );
    let half = problems(&format!("{alone}url = \"https://hooks.example.com/canary\"\n{}", with_mail("")));
    assert!(half.len() == 1 && half[0].starts_with("1:1 notify_on_completion.secret is missing"), "{half:?}");
}

#[test]
fn pings_are_secrets_of_known_jobs() {
    let all = parse("[ping]\nurl = \"https://hc-ping.com/canary/{job}\"").unwrap();
    assert!(all.ping.as_ref().unwrap().url.is_some() && !format!("{all:?}").contains("canary"));
    for (text, reason) in [
        ("[ping]\nurl = \"canary\"", "2:7 ping.url must be a URL"),
        ("[ping]\nurl = \"http://canary.example/x\"", "2:7 ping.url must begin with https://, or needs"),
        ("[ping]\nurl = \"ftp://canary.example/x\"", "2:7 ping.url must begin with https://"),
        ("[ping.jobs.\"invoices.isue\"]\nurl = \"https://x/canary\"", "1:1 ping.jobs must be one of invoices.generate"),
        ("[ping.jobs.\"invoices.issue\"]\nurls = \"canary\"", "1:1 ping.jobs.invoices.issue.url is missing"),
        ("[ping]\njobs = \"canary\"", "2:8 ping.jobs.NAME must be a section [ping.jobs.NAME], not a text"),
    ] {
        let found = problems(text);
        assert!(found[0].starts_with(reason), "{text}: {found:#?}");
        assert!(!format!("{:?}", parse(text).unwrap_err()).contains("canary"), "{text}");
    }
}
