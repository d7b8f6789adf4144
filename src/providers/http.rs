//! One HTTP call: to an address that may be called, within a time, and with every outcome in one of
//! the classes of reliability.md.
//!
//! TLS is rustls with the system's roots. Redirects are never followed and proxies of the environment
//! never used: what is called is what the configuration names. Of an answer, at most
//! [`LONGEST_BODY`] bytes are read, and of a good one nothing unless it is asked for.

mod address;
mod answer;
mod guard;
mod retry_after;
mod words;

pub use address::{Kind, kind};
pub use answer::{Answer, class_of};
pub use retry_after::retry_after;
pub use words::Words;

use crate::model::{Failure, FailureClass};
use guard::{Connecting, Guard, NotSent};
use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use ureq::http::{self, StatusCode};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};
use url::Url;

/// Of the body of an answer that is no success, in bytes: enough for any error message.
pub const LONGEST_BODY: u64 = 64 * 1024;

/// Of the body of a good answer, in bytes, where it is read.
pub const LONGEST_GOOD_BODY: u64 = 1024 * 1024;

/// Name resolution and connection (TCP and TLS), each.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Kept open for the next calls: as many as there are cores that upload at the same time.
const IDLE_CONNECTIONS: usize = 16;

const USER_AGENT: &str = concat!("finops/", env!("CARGO_PKG_VERSION"));

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those of the internet, by HTTPS.
    Public,
    /// Private ones (this machine, the local network) too, and those also by plain HTTP.
    Private,
}

/// A client for the calls of one provider. Making it costs nothing; the roots are read at the first
/// call. Connections are kept open between calls.
#[derive(Debug)]
pub struct Http {
    reach: Reach,
    timeout: Duration,
    agent: OnceLock<Agent>,
}

/// What is sent.
#[derive(Debug)]
pub struct Request<'r> {
    pub method: http::Method,
    pub url: &'r Url,
    /// Beside `host`, `content-length` and `user-agent`, which are added.
    pub headers: Vec<(&'static str, String)>,
    pub body: &'r [u8],
}

impl Http {
    /// `timeout` is for the whole call, the name's resolution and the answer included.
    pub const fn new(reach: Reach, timeout: Duration) -> Self {
        Self { reach, timeout, agent: OnceLock::new() }
    }

    /// Makes one call, once: nothing is retried here.
    ///
    /// # Errors
    /// When there is no whole answer: `unreachable` if nothing was sent, `no_answer` if it may have
    /// been, `rejected` if it may not be sent at all. Any answer, a 500 too, is no error.
    pub fn send(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        self.call(request).map(|(answer, _)| answer)
    }

    /// The same where a good answer says in its body what became of the call: that is read too, up to
    /// [`LONGEST_GOOD_BODY`], and one that does not arrive whole is `no_answer`.
    pub fn ask(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let (mut answer, body) = self.call(request)?;
        if let Some(body) = body {
            let mut limited = body.into_reader().take(LONGEST_GOOD_BODY + 1);
            let read = limited.read_to_end(&mut answer.body).map(|length| u64::try_from(length).unwrap_or(u64::MAX));
            let told = |what: &str| Failure::new(FailureClass::NoAnswer, format!("{} {what}", answer.host));
            match read {
                Ok(length) if length <= LONGEST_GOOD_BODY => {}
                Ok(_) => return Err(told("answered more than can be read")),
                Err(error) => return Err(told(&format!("broke off its answer ({})", Words::of(&error.to_string())))),
            }
        }
        Ok(answer)
    }

    /// The body of a good answer is not read yet.
    fn call(&self, request: &Request<'_>) -> Result<(Answer, Option<Body>), Failure> {
        let host = request.url.host_str().unwrap_or_default();
        let mut built = http::Request::builder().method(&request.method).uri(request.url.as_str());
        for (name, value) in &request.headers {
            built = built.header(*name, value);
        }
        let agent = self.agent();
        // A body, even an empty one, has no place in a HEAD.
        let sent = if request.method == http::Method::HEAD {
            built.body(()).map_err(ureq::Error::Http).and_then(|request| agent.run(request))
        } else {
            built.body(request.body).map_err(ureq::Error::Http).and_then(|request| agent.run(request))
        };
        let response = sent.map_err(|error| self.failure(host, &error))?;
        let (head, body) = response.into_parts();
        let mut answer = Answer { host: host.to_owned(), status: head.status.as_u16(), headers: head.headers, body: Vec::new() };
        if answer.is_good() {
            return Ok((answer, Some(body)));
        }
        // Whether the body arrives whole is of no matter: the status has told what became of it.
        let _ = body.into_reader().take(LONGEST_BODY).read_to_end(&mut answer.body);
        Ok((answer, None))
    }

    fn agent(&self) -> &Agent {
        self.agent.get_or_init(|| {
            let tls = TlsConfig::builder()
                .root_certs(system_roots().clone())
                .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
            let config = Agent::config_builder()
                .tls_config(tls.build())
                .proxy(None)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .http_status_as_error(false)
                .user_agent(USER_AGENT)
                .max_idle_connections(IDLE_CONNECTIONS)
                .max_idle_connections_per_host(IDLE_CONNECTIONS)
                .timeout_global(Some(self.timeout))
                .timeout_resolve(Some(CONNECT_TIMEOUT))
                .timeout_connect(Some(CONNECT_TIMEOUT));
            Agent::with_parts(config.build(), Connecting::default(), Guard::new(self.reach))
        })
    }

    fn failure(&self, host: &str, error: &ureq::Error) -> Failure {
        if let ureq::Error::Other(inner) = error
            && let Some(not_sent) = inner.downcast_ref::<NotSent>()
        {
            return not_sent.failure(host);
        }
        let (class, what) = match error {
            ureq::Error::Timeout(_) => {
                (FailureClass::NoAnswer, format!("gave no whole answer within {} s", self.timeout.as_secs()))
            }
            ureq::Error::Io(error) => (FailureClass::NoAnswer, format!("broke the connection before its answer ({error})")),
            ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) | ureq::Error::BodyStalled => {
                (FailureClass::NoAnswer, format!("gave an answer that is no proper HTTP ({error})"))
            }
            // Both are told before there is a connection.
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
                return Failure::new(FailureClass::Rejected, format!("no request to {host} can be made of it"));
            }
            // The careful class for whatever else ureq may come to tell: it may have been sent.
            _ => (FailureClass::NoAnswer, format!("could not be called to the end ({error})")),
        };
        Failure::new(class, format!("{host} {}", Words::of(&what)))
    }
}

/// The system's roots, read once: they are the same for every provider, and take some milliseconds.
fn system_roots() -> &'static RootCerts {
    static ROOTS: OnceLock<RootCerts> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let roots = rustls_native_certs::load_native_certs().certs;
        RootCerts::from(roots.iter().map(|root| Certificate::from_der(root).to_owned()))
    })
}

/// `503 Service Unavailable`
fn status_text(status: u16) -> String {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    reason.map_or_else(|| status.to_string(), |reason| format!("{status} {reason}"))
}
