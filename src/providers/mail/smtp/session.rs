//! One conversation with a server of mail, and where it broke.

use super::broken::{Broken, patience};
use super::reply::{Reply, Stage};
use super::wire::Wire;
use super::{Login, Settings, Tls};
use crate::crash;
use crate::model::Receipt;
use crate::providers::http::Words;
use crate::providers::mail::mime::Written;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A farewell is not worth a wait.
const QUIT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a server says that it can do (EHLO).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Abilities {
    starttls: bool,
    plain: bool,
    login: bool,
    /// The largest mail in bytes; 0 for no limit, None when it says nothing.
    size: Option<u64>,
    eight_bit: bool,
    utf8: bool,
    pipelining: bool,
}

impl Abilities {
    fn read(reply: &Reply) -> Self {
        let mut found = Self::default();
        // The first line is its name.
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => found.starttls = true,
                Some("SIZE") => found.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                Some("8BITMIME") => found.eight_bit = true,
                Some("SMTPUTF8") => found.utf8 = true,
                Some("PIPELINING") => found.pipelining = true,
                Some("AUTH") => words.for_each(|mechanism| match mechanism {
                    "PLAIN" => found.plain = true,
                    "LOGIN" => found.login = true,
                    _ => {}
                }),
                _ => {}
            }
        }
        found
    }
}

/// An open, greeted, and where it is to be, encrypted and signed-in connection.
pub struct Session {
    wire: Wire,
    settings: Settings,
    abilities: Abilities,
    signed_in: bool,
    mails: u32,
    /// Whether the server still listens for commands.
    listening: bool,
    /// When it must be open.
    open_by: Instant,
}

type Tlsing<'t> = &'t dyn Fn() -> Result<Arc<ClientConfig>, String>;

impl Session {
    pub fn open(
        wire: Wire,
        settings: &Settings,
        open_by: Instant,
        tls: impl Fn() -> Result<Arc<ClientConfig>, String>,
    ) -> Result<Self, Broken> {
        let (settings, abilities) = (settings.clone(), Abilities::default());
        let mut session = Self { wire, settings, abilities, signed_in: false, mails: 0, listening: true, open_by };
        let begun = session.begin(&tls);
        if let Err(broken) = begun {
            // After a refusal the server hears a farewell; otherwise there is nobody to say it to.
            session.listening = matches!(broken, Broken::Refused { .. } | Broken::Lacking(_));
            return Err(broken);
        }
        Ok(session)
    }

    fn begin(&mut self, tls: Tlsing<'_>) -> Result<(), Broken> {
        if self.settings.tls == Tls::Tls {
            self.encrypt(tls, Stage::Greeting)?;
        }
        let greeting = self.answer(Stage::Greeting)?;
        self.want(greeting, 220, Stage::Greeting)?;
        self.ehlo()?;
        if self.settings.tls == Tls::Starttls {
            if !self.abilities.starttls {
                let what = "does not offer STARTTLS, and without it mail would not be encrypted: correct port or tls in [mail]";
                return Err(Broken::Lacking(what.to_owned()));
            }
            let reply = self.ask("STARTTLS", Stage::Starttls)?;
            self.want(reply, 220, Stage::Starttls)?;
            self.encrypt(tls, Stage::Starttls)?;
            // What was said in plain does not count (RFC 3207, 4.2).
            self.ehlo()?;
        }
        match self.settings.login.clone() {
            Some(login) => self.sign_in(&login),
            None => Ok(()),
        }
    }

    fn encrypt(&mut self, tls: Tlsing<'_>, stage: Stage) -> Result<(), Broken> {
        let config = tls().map_err(Broken::Lacking)?;
        let host = self.settings.host.trim_end_matches('.').to_owned();
        let name =
            ServerName::try_from(host).map_err(|_| Broken::Lacking("is no name that a certificate can hold".to_owned()))?;
        let within = self.within(stage);
        self.wire.encrypt(&config, name, within).map_err(|error| Broken::Lost { error, stage })
    }

    fn ehlo(&mut self) -> Result<(), Broken> {
        let command = format!("EHLO {}", self.settings.helo);
        let reply = self.ask(&command, Stage::Ehlo)?;
        self.abilities = Abilities::read(&reply);
        self.want(reply, 250, Stage::Ehlo)
    }

    fn sign_in(&mut self, login: &Login) -> Result<(), Broken> {
        let mut reply = match (self.abilities.plain, self.abilities.login) {
            (true, _) => self.ask(&format!("AUTH PLAIN {}", plain(login)), Stage::Auth)?,
            (false, true) => {
                let user = self.ask("AUTH LOGIN", Stage::Auth)?;
                self.want(user, 334, Stage::Auth)?;
                let password = self.ask(&BASE64.encode(&login.user), Stage::Auth)?;
                self.want(password, 334, Stage::Auth)?;
                self.ask(&BASE64.encode(login.password.expose()), Stage::Auth)?
            }
            (false, false) => {
                let what = "does not offer to sign in with a password (AUTH PLAIN or LOGIN): correct port, or leave out user";
                return Err(Broken::Lacking(what.to_owned()));
            }
        };
        if reply.code == 334 {
            // A server that asks once more has its last word after a refusal of ours (RFC 4954, 4).
            reply = self.ask("*", Stage::Auth)?;
        }
        self.want(reply, 235, Stage::Auth)?;
        self.signed_in = true;
        Ok(())
    }

    /// One mail. When it was refused, [`is_usable_after`](Self::is_usable_after) comes before the next.
    pub fn send(&mut self, written: &Written) -> Result<Receipt, Broken> {
        let Written { sender, recipient, bytes, sha256, needs_utf8 } = written;
        self.suits(written)?;
        let mut mail = format!("MAIL FROM:<{sender}>");
        if self.abilities.size.is_some() {
            mail.push_str(&format!(" SIZE={}", bytes.len()));
        }
        if *needs_utf8 {
            mail.push_str(" BODY=8BITMIME SMTPUTF8");
        }
        let rcpt = format!("RCPT TO:<{recipient}>");
        if self.abilities.pipelining {
            // One wait for two answers (RFC 2920). DATA is not among them: some take it without a recipient.
            self.say(&format!("{mail}\r\n{rcpt}"), Stage::Mail)?;
            let first = self.answer(Stage::Mail)?;
            if first.code == 421 {
                return Err(self.refused(first, Stage::Mail));
            }
            let second = self.answer(Stage::Rcpt)?;
            self.want(first, 250, Stage::Mail)?;
            self.want_good(second, Stage::Rcpt)?;
        } else {
            let reply = self.ask(&mail, Stage::Mail)?;
            self.want(reply, 250, Stage::Mail)?;
            let reply = self.ask(&rcpt, Stage::Rcpt)?;
            self.want_good(reply, Stage::Rcpt)?;
        }
        let reply = self.ask("DATA", Stage::Data)?;
        self.want(reply, 354, Stage::Data)?;
        let reply = self.hand_over(bytes)?;
        self.mails += 1;
        let provider_ref = Words::of(&reply.text()).to_string();
        Ok(Receipt { provider_ref, sha256: sha256.clone(), bytes: bytes.len().try_into().unwrap_or(u64::MAX) })
    }

    /// Told before it is sent, as the server would tell it after.
    fn suits(&self, written: &Written) -> Result<(), Broken> {
        let bytes = u64::try_from(written.bytes.len()).unwrap_or(u64::MAX);
        if let Some(size) = self.abilities.size.filter(|size| *size > 0 && bytes > *size) {
            return Err(Broken::Unsuitable(format!("takes mails of up to {size} bytes, and this one has {bytes}")));
        }
        if written.needs_utf8 && !(self.abilities.utf8 && self.abilities.eight_bit) {
            let what = "does not take addresses with other than ASCII letters before the @ (SMTPUTF8)";
            return Err(Broken::Unsuitable(what.to_owned()));
        }
        Ok(())
    }

    fn hand_over(&mut self, bytes: &[u8]) -> Result<Reply, Broken> {
        if let Err(error) = self.wire.write(&stuffed(bytes), self.settings.timeout) {
            self.listening = false;
            // Whoever closes in the middle has perhaps said why.
            return Err(match self.wire.reply(QUIT_TIMEOUT) {
                Ok(reply) if reply.code >= 400 => self.refused(reply, Stage::Body),
                _ => Broken::Lost { error, stage: Stage::Body },
            });
        }
        crash::point("mail.dot");
        self.wire.write(b".\r\n", self.settings.timeout).map_err(|error| self.lost(error, Stage::Dot))?;
        let reply = self.answer(Stage::Dot)?;
        crash::point("mail.answered");
        if reply.is_good() { Ok(reply) } else { Err(self.refused(reply, Stage::Dot)) }
    }

    /// Whether another mail may follow on this connection, and makes it ready.
    pub fn is_usable_after(&mut self, broken: &Broken) -> bool {
        match broken {
            Broken::Unsuitable(_) => true,
            // What is neither a yes nor a no leaves open whose turn it is.
            Broken::Refused { reply, .. } => {
                self.listening && reply.code >= 400 && self.ask("RSET", Stage::Mail).is_ok_and(|reply| reply.is_good())
            }
            Broken::Lost { .. } | Broken::Lacking(_) => false,
        }
    }

    pub fn noop(&mut self) -> Result<(), Broken> {
        let reply = self.ask("NOOP", Stage::Mail)?;
        self.want(reply, 250, Stage::Mail)
    }

    /// How many it has carried.
    pub const fn mails(&self) -> u32 {
        self.mails
    }

    /// For people: `mail.example.com:587, encrypted, signed in as billing, mails of up to 10240000 bytes`
    pub fn describe(&self) -> String {
        let Settings { host, port, login, .. } = &self.settings;
        let mut text = format!("{host}:{port}, {}", if self.wire.is_encrypted() { "encrypted" } else { "not encrypted" });
        if let Some(login) = login.as_ref().filter(|_| self.signed_in) {
            text.push_str(&format!(", signed in as {}", login.user));
        }
        if let Some(size) = self.abilities.size.filter(|size| *size > 0) {
            text.push_str(&format!(", mails of up to {size} bytes"));
        }
        text
    }

    fn ask(&mut self, command: &str, stage: Stage) -> Result<Reply, Broken> {
        self.say(command, stage)?;
        self.answer(stage)
    }

    fn say(&mut self, command: &str, stage: Stage) -> Result<(), Broken> {
        let line = format!("{command}\r\n");
        let within = if stage.is_of_the_opening() { self.within(stage) } else { self.settings.timeout };
        self.wire.write(line.as_bytes(), within).map_err(|error| self.lost(error, stage))
    }

    fn answer(&mut self, stage: Stage) -> Result<Reply, Broken> {
        let within = self.within(stage);
        self.wire.reply(within).map_err(|error| self.lost(error, stage))
    }

    /// What is left of the time for a step.
    fn within(&self, stage: Stage) -> Duration {
        if stage.is_of_the_opening() {
            self.open_by.saturating_duration_since(Instant::now())
        } else {
            patience(&self.settings, stage)
        }
    }

    fn want(&mut self, reply: Reply, code: u16, stage: Stage) -> Result<(), Broken> {
        if reply.code == code { Ok(()) } else { Err(self.refused(reply, stage)) }
    }

    fn want_good(&mut self, reply: Reply, stage: Stage) -> Result<(), Broken> {
        if reply.is_good() { Ok(()) } else { Err(self.refused(reply, stage)) }
    }

    fn refused(&mut self, reply: Reply, stage: Stage) -> Broken {
        self.listening &= reply.code != 421;
        Broken::Refused { reply, stage, signed_in: self.signed_in }
    }

    fn lost(&mut self, error: io::Error, stage: Stage) -> Broken {
        self.listening = false;
        Broken::Lost { error, stage }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.listening && !std::thread::panicking() && self.wire.write(b"QUIT\r\n", QUIT_TIMEOUT).is_ok() {
            let _ = self.wire.reply(QUIT_TIMEOUT);
        }
    }
}

/// AUTH PLAIN (RFC 4616).
pub fn plain(login: &Login) -> String {
    BASE64.encode(format!("\0{}\0{}", login.user, login.password.expose()))
}

/// A line that begins with a dot gets another one, so that none is taken for the end (RFC 5321, 4.5.2).
fn stuffed(bytes: &[u8]) -> Cow<'_, [u8]> {
    let has_such_a_line = std::str::from_utf8(bytes).map_or(true, |text| text.starts_with('.') || text.contains("\n."));
    if !has_such_a_line && bytes.ends_with(b"\r\n") {
        return Cow::Borrowed(bytes);
    }
    let mut stuffed = Vec::with_capacity(bytes.len() + 64);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    Cow::Owned(stuffed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_mail_ends_it() {
        for (mail, sent) in [
            (&b"a\r\n.\r\nb\r\n"[..], &b"a\r\n..\r\nb\r\n"[..]),
            (b".", b"..\r\n"),
            (b"..a\r\n", b"...a\r\n"),
            (b"a.b\r\n", b"a.b\r\n"),
            (b"a\r\n.b\xff\r\n", b"a\r\n..b\xff\r\n"),
            (b"", b"\r\n"),
        ] {
            assert_eq!(&*stuffed(mail), sent);
        }
    }

    #[test]
    fn abilities_are_read_from_ehlo() {
        let lines = ["mail.example greets you", "PIPELINING", "size 10240000", "AUTH=PLAIN", "AUTH CRAM-MD5 LOGIN", "8BITMIME"];
        let reply = Reply { code: 250, lines: lines.map(str::to_owned).to_vec() };
        let read = Abilities::read(&reply);
        let expected = Abilities {
            pipelining: true,
            size: Some(10_240_000),
            plain: true,
            login: true,
            eight_bit: true,
            ..Abilities::default()
        };
        assert_eq!(read, expected);
    }
}
