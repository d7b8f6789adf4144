//! Of `[mail]`.

use super::*;

pub(super) fn with_mail(more: &str) -> String {
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
