mod chat;
mod mail;
mod notify;
mod reminders;
mod routing;
mod s3;

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
