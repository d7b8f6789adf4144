//! Of `[slack]`, `[sms]` and `[webhooks]`.

use super::*;

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
