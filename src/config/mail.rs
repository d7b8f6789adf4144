//! `[mail]`: who writes, and through which server.

use super::section::one_of;
use super::{Secret, Section, source};
use crate::model::message::{Mailbox, parse_address};
use crate::providers::http::{Kind, kind};
use crate::providers::mail::on_the_wire;
use crate::providers::mail::smtp::{Authorities, Login, Settings, Tls, own_name};
use std::path::Path;
use std::time::Duration;
use url::Host;

/// `[mail]`
#[derive(Debug, Clone)]
pub struct MailConfig {
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
    /// What Message-IDs end with.
    pub domain: String,
    pub server: Settings,
}

/// None when something is wrong, which has been noted.
pub fn read(section: &mut Section<'_, '_>, file: &Path) -> Option<MailConfig> {
    let from = section.required_text("from", address);
    let name = section.optional_text("from_name", name).unwrap_or_default();
    let reply_to = section.optional_text("reply_to", address).map(|address| Mailbox { name: String::new(), address });
    let of_from = from.as_deref().and_then(|from| on_the_wire(from).ok()).unwrap_or_default();
    let of_from = of_from.rsplit_once('@').map_or("localhost", |(_, domain)| domain).to_owned();
    let domain = section.text("domain", of_from, domain);
    let host = section.required_text("host", host);
    let tls =
        section.text("tls", Tls::Starttls, |text| text.parse().map_err(|_| one_of(Tls::ALL.iter().map(|tls| tls.as_str()))));
    let port = section.integer("port", 1..=65_535, u32::from(tls.default_port()));
    let allow_unencrypted = section.boolean("allow_unencrypted", false);
    let login = login(section, file);
    // Where a host is by its name alone nobody knows before it is asked for; so whoever means one of their network
    // says that, where a password is at stake.
    let is_in_the_open = host.as_deref().is_some_and(|host| is_elsewhere(host, matches!(login, Ok(Some(_)))));
    if tls == Tls::None && !allow_unencrypted && is_in_the_open {
        let at = section.place_of("tls");
        section.mistake(&at, "tls", IN_THE_OPEN);
    }
    let helo = section.text("helo", own_name(), |text| match text.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err("must be a name of this machine, or its address in brackets".to_owned()),
    });
    let connect_timeout = Duration::from_secs(u64::from(section.integer("connect_timeout_s", 1..=600, 30)));
    let timeout = Duration::from_secs(u64::from(section.integer("timeout_s", 1..=600, 60)));
    let max_per_connection = section.integer("max_per_connection", 1..=100_000, 100);
    let authorities = authorities(section);
    let server = Settings {
        host: host?,
        port: u16::try_from(port).ok()?,
        tls,
        allow_unencrypted,
        login: login.ok()?,
        helo,
        connect_timeout,
        timeout,
        authorities: authorities?,
        max_per_connection,
    };
    Some(MailConfig { from: Mailbox { name, address: from? }, reply_to, domain, server })
}

const IN_THE_OPEN: &str = "none is for a server on this machine or its network: mails, and the password, would be \
    readable on the way; write starttls or tls, or, for a server of your own network, allow_unencrypted = true";

/// Whether a server is not known to be on this machine or its network. Without a password, one that has a name is
/// judged by its addresses, when it is called.
fn is_elsewhere(host: &str, has_password: bool) -> bool {
    if let Ok(address) = host.parse() {
        return !matches!(kind(address), Kind::Private(_));
    }
    // RFC 6761, 6762, 8375, and ICANN's .internal; a name without a dot is looked for in one's own domain.
    let at_home = ["localhost", "local", "internal", "lan", "home.arpa"];
    let host = host.trim_end_matches('.');
    let is_at_home =
        at_home.iter().any(|name| host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')));
    has_password && host.contains('.') && !is_at_home
}

/// Both or neither; what is wrong has been noted.
fn login(section: &mut Section<'_, '_>, file: &Path) -> Result<Option<Login>, ()> {
    let user = section.optional_text("user", |text| one_line(text).map(str::to_owned));
    let password = source::secret(section, "password", file, |text| one_line(text).map(|text| Secret::new(text.to_owned())));
    match (user, password) {
        (Some(user), Some(password)) => Ok(Some(Login { user, password })),
        (None, None) if !section.has("user") && !source::is_given(section, "password") => Ok(None),
        (None, Some(_)) if !section.has("user") => {
            section.missing("user", ", and there is a password");
            Err(())
        }
        (Some(_), None) if !source::is_given(section, "password") => {
            section.missing(
                "password",
                ", and there is a user; give it by password_env, password_file, password_command or password_credential",
            );
            Err(())
        }
        _ => Err(()),
    }
}

fn authorities(section: &mut Section<'_, '_>) -> Option<Authorities> {
    if !section.has("ca_file") {
        return Some(Authorities::default());
    }
    let folder = section.folder().to_owned();
    let mut read = None;
    section.optional_text("ca_file", |name| {
        let pem = std::fs::read(folder.join(name)).map_err(|error| format!("cannot be read: {error}"))?;
        read = Some(Authorities::parse(&pem)?);
        Ok(name.to_owned())
    });
    read
}

fn address(text: &str) -> Result<String, String> {
    parse_address(text)
        .and_then(|address| on_the_wire(&address).map(|_| address))
        .map_err(|_| "must be a mail address alone, such as billing@example.com".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) { Err("must be one line".to_owned()) } else { Ok(text.trim().to_owned()) }
}

fn domain(text: &str) -> Result<String, String> {
    match Host::parse(text) {
        Ok(Host::Domain(domain)) => Ok(domain),
        _ => Err("must be the name of a domain, such as example.com".to_owned()),
    }
}

/// As it is resolved, and as it stands in the server's certificate.
fn host(text: &str) -> Result<String, String> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<std::net::IpAddr>() {
        return Ok(address.to_string());
    }
    match Host::parse(text) {
        Ok(Host::Domain(domain)) => Ok(domain),
        _ => Err("must be the name or the address of a server, such as smtp.example.com, without a port".to_owned()),
    }
}

pub(super) fn one_line(text: &str) -> Result<&str, String> {
    if text.chars().any(char::is_control) { Err("must be one line, without control characters".to_owned()) } else { Ok(text) }
}
