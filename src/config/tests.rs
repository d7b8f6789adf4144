use super::*;

/// A key of 24 bytes.
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn parse(text: &str) -> Result<Config> {
    Config::parse(Path::new("/srv/books/finops.toml"), text, None, &Environment::default())
}

fn problems(text: &str) -> Vec<String> {
    parse(text).unwrap_err().problems.iter().map(|p| format!("{}:{} {} {}", p.line, p.column, p.field, p.reason)).collect()
}

#[test]
fn the_template_is_valid_and_says_the_defaults() {
    let (template, empty) = (parse(TEMPLATE).unwrap(), parse("").unwrap());
    let values = |config: &Config| config.settings.iter().map(|s| (s.key.clone(), s.value.clone())).collect::<Vec<_>>();
    assert_eq!(values(&template), values(&empty));
    assert_eq!(empty.database.url.to_string(), "sqlite:/srv/books/finops.db");
    assert_eq!(empty.billing.max_missed_periods, 3);
    assert_eq!(TEMPLATE.matches(TEMPLATE_URL).count(), 1);
}

#[test]
fn every_key_of_the_template_is_known_and_every_known_key_is_in_the_template() {
    let on: String = TEMPLATE
        .lines()
        .map(|line| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line))
        // All five sources of the URL at once would be four mistakes.
        .filter(|line| !line.starts_with("url_") || line.contains("FINOPS_"))
        // The file is not there.
        .filter(|line| !line.starts_with("ca_file"))
        // Each of these excludes another.
        .filter(|line| !line.starts_with("webhook_url_") && !line.starts_with("messaging_service_sid"))
        .fold(String::new(), |text, line| text + line + "\n");
    let environment = Environment::of([
        ("AWS_ACCESS_KEY_ID", "AKIACANARY"),
        ("AWS_SECRET_ACCESS_KEY", "canary"),
        ("AWS_SESSION_TOKEN", "canary"),
        ("FINOPS_NOTIFY_URL", "https://hooks.example.com/canary"),
        ("FINOPS_NOTIFY_SECRET", WHSEC),
        ("FINOPS_PING_URL", "https://hc-ping.com/canary/{job}"),
        ("FINOPS_PING_GENERATE_URL", "https://hc-ping.com/canary/generate"),
        ("FINOPS_MAIL_PASSWORD", "canary"),
        ("FINOPS_SLACK_TOKEN", "xoxb-canary"),
        ("FINOPS_TWILIO_TOKEN", "canary"),
        ("FINOPS_OFFICE_URL", "https://office.example.com/canary"),
        ("FINOPS_OFFICE_SECRET", WHSEC),
    ]);
    let config = Config::parse(Path::new("/srv/books/finops.toml"), &on, None, &environment).unwrap();
    assert!(config.documents.s3.is_some() && config.notify.is_some() && config.mail.is_some());
    assert!(config.slack.is_some() && config.sms.is_some() && config.webhooks.contains_key("office"));
    for setting in &config.settings {
        let key = setting.key.rsplit('.').next().unwrap();
        assert!(TEMPLATE.contains(&format!("{key} = ")) || TEMPLATE.contains(&format!("{key}_env = ")), "{key}");
    }
    let shown = format!("{config:?}").to_lowercase();
    assert!(!shown.contains("canary") && !shown.contains(&WHSEC[6..].to_lowercase()), "{shown}");
}

#[test]
fn columns_count_characters() {
    assert_eq!(problems("billing = { \"é\" = 1 }"), ["1:13 billing.é unknown key; [billing] knows max_missed_periods"]);
    assert_eq!(
        problems("[billing]\nmax_missed_periods = \"3\""),
        ["2:22 billing.max_missed_periods must be a whole number, not a text"]
    );
}

#[test]
fn a_url_may_come_from_outside_the_file() {
    let environment = Environment::of([("BOOKS", "postgres://joe:canary@db/books")]);
    let text = "[database]\nurl_env = \"BOOKS\"";
    let config = Config::parse(Path::new("finops.toml"), text, None, &environment).unwrap();
    assert_eq!(config.database.url.to_string(), "postgres://db/books");
    assert_eq!(config.settings[0].origin.to_string(), "line 2: environment variable BOOKS");
    assert!(!format!("{config:?}").contains("canary"));
    let config = parse("[database]\nurl_command = \"printf 'sqlite:x.db\\n'\"");
    // The folder does not exist, so the command cannot be run there.
    assert_eq!(config.unwrap_err().problems.len(), 1);
    assert_eq!(problems("[database]\nurl_env = \"NOT_SET\"").len(), 1);
}

fn with_s3(more: &str) -> String {
    format!("[documents.s3]\nbucket = \"books\"\naccess_key_id = \"AKIA\"\nsecret_access_key = \"canary\"\n{more}\n")
}

#[test]
fn a_bucket_needs_little_and_says_what_is_missing() {
    let s3 = parse(&with_s3("")).unwrap().documents.s3.unwrap();
    assert_eq!((s3.endpoint.as_str(), s3.path_style), ("https://s3.us-east-1.amazonaws.com/", false));
    let s3 = parse(&with_s3("endpoint = \"http://10.0.0.1:9000\"\nprefix = \"/a/b/\"")).unwrap().documents.s3.unwrap();
    assert_eq!((s3.path_style, s3.prefix.as_str()), (true, "a/b"));
    let sources =
        "; it may also be given by access_key_id_env, access_key_id_file, access_key_id_command or access_key_id_credential";
    assert_eq!(
        problems("[billing]\n[documents.s3]\n"),
        [
            "2:1 documents.s3.bucket is missing".to_owned(),
            format!("2:1 documents.s3.access_key_id is missing{sources}"),
            format!("2:1 documents.s3.secret_access_key is missing{}", sources.replace("access_key_id", "secret_access_key")),
        ]
    );
    assert_eq!(problems("[documents]\ns3 = \"books\"")[0], "2:6 documents.s3 must be a section [documents.s3], not a text");
}

#[test]
fn mistakes_in_a_bucket_are_told_with_their_place() {
    for (line, reason) in [
        ("bucket_name = \"b\"", "5:1 documents.s3.bucket_name unknown key; [documents.s3] knows"),
        ("endpoint = \"s3.example.com\"", "5:12 documents.s3.endpoint must be a URL"),
        ("endpoint = \"ftp://s3.example.com\"", "5:12 documents.s3.endpoint must begin with https://"),
        ("endpoint = \"https://joe:canary@s3.example.com\"", "5:12 documents.s3.endpoint must be a host"),
        ("endpoint = \"https://10.0.0.1\"\npath_style = false", "6:14 documents.s3.path_style must be true"),
        ("prefix = \"a/../b\"", "5:10 documents.s3.prefix must be of"),
        ("prefix = \"a//b\"", "5:10 documents.s3.prefix must be of"),
        ("region = \"eu central\"", "5:10 documents.s3.region must be of"),
        ("path_style = \"yes\"", "5:14 documents.s3.path_style must be true or false, not a text"),
        ("server_side_encryption = \"yes\"", "5:26 documents.s3.server_side_encryption must be one of AES256, aws:kms"),
        ("session_token = \"two words canary\"", "5:17 documents.s3.session_token must be in one piece"),
        ("session_token_env = \"NOT_SET\"", "5:21 documents.s3.session_token_env the environment variable NOT_SET"),
    ] {
        let found = problems(&with_s3(line));
        assert!(found.len() == 1 && found[0].starts_with(reason), "{line}: {found:#?}");
        assert!(!found[0].contains("canary"));
    }
    let dotted = with_s3("").replace("\"books\"", "\"books.example\"");
    assert!(problems(&dotted)[0].starts_with("1:1 documents.s3.path_style must be true"));
    for bucket in ["Books", "ab", "-books", "a/b", "b\u{fc}cher"] {
        assert!(problems(&with_s3("").replace("books", bucket))[0].starts_with("2:10 documents.s3.bucket must be"), "{bucket}");
    }
}

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
        (format!("{ANNA}quiet_days = [\"Sunday\"]"), "4:15 people.anna.quiet_days must be one of mon, tue"),
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
    assert_eq!(found, ["2:13 messages.customer must be one of invoice.issued, invoice.paid"]);
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

#[test]
fn policies_of_reminders_take_after_the_default() {
    let text = "[reminders]\noverdue = [2]\nrepeat_every = 0\n[reminders.policies.gentle]\nescalation = [20]\nsms = [20]";
    let sms = "[sms]\naccount_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"canary\"\nfrom = \"+15005550006\"\n";
    assert_eq!(problems(text), ["6:7 reminders.policies.gentle.sms needs [sms], which says who carries text messages"]);
    let reminders = parse(&format!("{text}\n{sms}")).unwrap().reminders;
    assert_eq!(reminders.quiet.map(|quiet| quiet.to_string()), Some("20:00-08:00".to_owned()));
    assert_eq!(parse("[reminders]\nquiet = \"never\"").unwrap().reminders.quiet, None);
    assert_eq!(
        problems("[reminders]\nquiet = \"at night\""),
        ["2:9 reminders.quiet must be two times, such as 20:00-07:00, or never"]
    );
    let policies = reminders.policies;
    let days = |policy: &crate::rules::dunning::Policy| policy.levels().iter().map(|l| l.days).collect::<Vec<_>>();
    assert_eq!(days(&policies.default), [-7, 2, 7, 14, 30]);
    assert_eq!(days(&policies.named["gentle"]), [-7, 2, 20]);
    assert_eq!(
        problems(
            "[reminders]\nupcoming = [3]\noverdue = [1, \"2\"]\nsms = [1.5]\nescalation = 7\nrepeat_until = 4000\nrepeat_ever = 1\n\
             [reminders.policies.none]\n[reminders.policies.a]\nescalation = [9, 8]\n[reminders.policies]\nb = 1"
        ),
        [
            "2:12 reminders.upcoming must be days before the due date: 0 or below, such as [-7]",
            "3:11 reminders.overdue must be a list of whole days, and a text is none",
            "4:7 reminders.sms must be a list of whole days, and a number with a point is none",
            "5:14 reminders.escalation must be a list of days in brackets, not a whole number",
            "6:16 reminders.repeat_until must be from 0 to 3650, not 4000",
            "7:1 reminders.repeat_ever unknown key; did you mean repeat_every?",
            "8:1 reminders.policies.none this name means something already: [reminders] itself is default, and none reminds of nothing",
            "12:5 reminders.policies.b must be a section [reminders.policies.b], not a whole number",
        ]
    );
    assert_eq!(
        problems("[reminders.policies.a]\nescalation = [9, 8]"),
        ["2:14 reminders.policies.a.escalation must ascend, from upcoming over overdue to escalation; 8 does not"]
    );
}

fn with_mail(more: &str) -> String {
    format!("[mail]\nfrom = \"billing@example.com\"\nhost = \"smtp.example.com\"\n{more}\n")
}

#[test]
fn mail_needs_little_and_says_what_is_missing() {
    use crate::providers::mail::smtp::Tls;
    assert!(parse("").unwrap().mail.is_none());
    let mail = parse(&with_mail("")).unwrap().mail.unwrap();
    assert_eq!((mail.server.port, mail.server.tls, mail.domain.as_str()), (587, Tls::Starttls, "example.com"));
    let mail = parse(&with_mail("tls = \"tls\"\nfrom_name = \"Nord & Co\"")).unwrap().mail.unwrap();
    assert_eq!((mail.server.port, mail.from.to_string().as_str()), (465, "Nord & Co <billing@example.com>"));
    let mail = parse(&with_mail("").replace("example.com", "exämple.de")).unwrap().mail.unwrap();
    assert_eq!((mail.domain.as_str(), mail.server.host.as_str()), ("xn--exmple-cua.de", "smtp.xn--exmple-cua.de"));
    assert_eq!(problems("[mail]\n"), ["1:1 mail.from is missing", "1:1 mail.host is missing"]);
}

#[test]
fn a_password_does_not_go_over_the_internet_in_plain() {
    let with = |host: &str, more: &str| with_mail(more).replace("smtp.example.com", host);
    let login = "tls = \"none\"\nuser = \"u\"\npassword = \"canary\"";
    for host in ["smtp.example.com", "mail.example.com.", "9.9.9.9", "2620:fe::fe"] {
        let found = problems(&with(host, login));
        assert!(
            found.len() == 1 && found[0].starts_with("4:7 mail.tls none is for a server on this machine"),
            "{host}: {found:?}"
        );
        assert!(found[0].contains("allow_unencrypted"), "{found:?}");
        assert!(parse(&with(host, &format!("{login}\nallow_unencrypted = true"))).is_ok(), "{host}");
    }
    for host in ["127.0.0.1", "::1", "10.0.0.7", "localhost", "mail", "mail.internal", "smtp.home.arpa", "relay.local"] {
        assert!(parse(&with(host, login)).is_ok(), "{host}");
    }
    // Without one, a name is judged when it is called; an address is judged at once.
    assert!(parse(&with("smtp.example.com", "tls = \"none\"")).is_ok());
    assert_eq!(problems(&with("9.9.9.9", "tls = \"none\"")).len(), 1);
}

#[test]
fn mistakes_in_mail_are_told_with_their_place() {
    let empty = "/proc/self/environ-that-is-not-there";
    for (line, reason) in [
        ("from_name = \"a\\nb\"", "4:13 mail.from_name must be one line"),
        ("reply_to = \"Office <a@b.de>\"", "4:12 mail.reply_to must be a mail address alone"),
        ("tls = \"yes\"", "4:7 mail.tls must be one of starttls, tls, none"),
        ("port = 0", "4:8 mail.port must be from 1 to 65535"),
        ("user = \"billing\"", "1:1 mail.password is missing, and there is a user"),
        ("password = \"canary\"", "1:1 mail.user is missing, and there is a password"),
        ("user = \"u\"\npassword_env = \"NOT_SET\"", "5:16 mail.password_env the environment variable NOT_SET"),
        ("timeout_s = 0", "4:13 mail.timeout_s must be from 1 to 600"),
        ("helo = \"my host\"", "4:8 mail.helo must be a name"),
        ("domain = \"a@b\"", "4:10 mail.domain must be the name of a domain"),
        (&format!("ca_file = \"{empty}\""), "4:11 mail.ca_file cannot be read"),
        ("smtp = \"x\"", "4:1 mail.smtp unknown key"),
    ] {
        let found = problems(&with_mail(line));
        assert!(found.len() == 1 && found[0].starts_with(reason), "{line}: {found:#?}");
        assert!(!format!("{:?}", parse(&with_mail(line)).unwrap_err()).contains("canary"));
    }
    for host in ["smtp.example.com:25", "https://smtp.example.com", "a b", "joe@smtp.example.com"] {
        let found = problems(&with_mail("").replace("smtp.example.com", host));
        assert!(found[0].starts_with("3:8 mail.host must be"), "{host}: {found:?}");
    }
    let config = parse(&with_mail("user = \"u\"\npassword = \"canary\"")).unwrap();
    assert!(!format!("{config:?}").contains("canary"), "{config:?}");
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

#[test]
fn slack_has_one_way_in() {
    use crate::providers::slack::Way;
    let way = |text: &str| parse(&format!("[slack]\n{text}\n")).unwrap().slack.unwrap().way;
    assert!(matches!(way("webhook_url = \"https://hooks.slack.com/services/canary\""), Way::Webhook(_)));
    assert!(matches!(way("token = \"canary\"\nchannel = \"#a\""), Way::Token { channel, .. } if channel == "#a"));
    for (text, reason) in [
        ("", "1:1 slack.webhook_url is missing, or token"),
        ("token = \"canary\"", "1:1 slack.channel is missing"),
        ("token = \"two canaries\"\nchannel = \"#a\"", "2:9 slack.token must be in one piece"),
        ("webhook_url = \"canary\"", "2:15 slack.webhook_url must be the URL"),
        ("webhook_url = \"https://h.example/canary\"\ntoken = \"canary\"", "3:9 slack.token either webhook_url or token"),
        ("webhook_url = \"https://h.example/canary\"\nchannel = \"#a\"", "3:11 slack.channel has no place"),
        (
            "webhook_url = \"https://h.example/canary\"\napi_url = \"https://h.example/api\"",
            "3:11 slack.api_url must be a URL that",
        ),
    ] {
        let found = problems(&format!("[slack]\n{text}\n"));
        assert!(found.len() == 1 && found[0].starts_with(reason), "{text}: {found:#?}");
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    }
}

#[test]
fn text_messages_have_an_account_and_a_sender() {
    let account = "account_sid = \"AC0123456789abcdef0123456789abcdef\"\nauth_token = \"canary\"\n";
    let sms = |more: &str| format!("[sms]\n{account}{more}\n");
    let config = parse(&sms("from = \"+49 151 12345678\"")).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    assert!(parse(&sms("from = \"Nord GmbH\"")).is_ok() && parse(&sms("from = \"12345\"")).is_ok());
    for (text, reason) in [
        (sms(""), "1:1 sms.from is missing, or messaging_service_sid"),
        (sms("from = \"0151 12345678\""), "4:8 sms.from must be a number"),
        (sms("messaging_service_sid = \"MG1\""), "4:25 sms.messaging_service_sid must be MG and 32"),
        (
            sms("from = \"12345\"\nmessaging_service_sid = \"MG0123456789abcdef0123456789abcdef\""),
            "5:25 sms.messaging_service_sid either",
        ),
        (sms("from = \"12345\"\nprovider = \"carrier pigeon\""), "5:12 sms.provider must be one of twilio"),
        (sms("from = \"12345\"").replace("AC0", "SK0"), "2:15 sms.account_sid must be AC and 32"),
    ] {
        let found = problems(&text);
        assert!(found.len() == 1 && found[0].starts_with(reason), "{text}: {found:#?}");
    }
    assert_eq!(problems("[sms]\n").len(), 3);
}

#[test]
fn webhooks_have_names_of_their_own() {
    let hook = |name: &str| format!("[webhooks.{name}]\nurl = \"https://h.example/canary\"\nsecret = \"{WHSEC}\"\n");
    let config = parse(&(hook("office") + &hook("crm-2"))).unwrap();
    assert_eq!(config.webhooks.keys().collect::<Vec<_>>(), ["crm-2", "office"]);
    assert!(config.settings.iter().any(|setting| setting.key == "webhooks.office.allow_private_addresses"));
    assert!(parse("").unwrap().webhooks.is_empty());
    for (text, reason) in [
        (hook("Office"), "1:11 webhooks.Office a name must be of small letters"),
        ("[webhooks]\nurl = \"https://h.example/canary\"\n".to_owned(), "2:7 webhooks.url must be a section [webhooks.url]"),
        ("webhooks = \"canary\"\n".to_owned(), "1:12 webhooks.NAME must be a section"),
        (hook("a") + "secrets = 1\n", "4:1 webhooks.a.secrets unknown key; did you mean secret?"),
        ("[webhooks.a]\nsecret_env = \"NOT_SET\"\n".to_owned(), "1:1 webhooks.a.url is missing"),
    ] {
        let found = problems(&text);
        assert!(found[0].starts_with(reason), "{text}: {found:#?}");
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    }
}
