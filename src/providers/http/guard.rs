//! Which addresses a call may go to. The name is resolved once, every address that it has is checked,
//! and the connection goes to those very addresses, so that a name that changes its mind (DNS
//! rebinding) changes nothing. How an address was written (decimal, octal, mapped) is of no matter.

use super::{Kind, Reach, Words, kind};
use crate::model::{Failure, FailureClass};
use std::fmt;
use std::net::IpAddr;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport};

/// Why nothing was sent.
#[derive(Debug)]
pub(super) enum NotSent {
    /// The name could not be resolved.
    Name(ureq::Error),
    /// No connection, or no TLS.
    Connection(ureq::Error),
    /// The address may not be called.
    Refused { address: IpAddr, what: &'static str },
    /// Plain HTTP over the internet.
    Plain,
}

impl NotSent {
    pub(super) fn failure(&self, host: &str) -> Failure {
        match self {
            Self::Name(ureq::Error::Timeout(_)) => {
                Failure::new(FailureClass::Unreachable, format!("the name {host} could not be looked up in time"))
            }
            Self::Name(_) => Failure::new(FailureClass::Unreachable, format!("there is no address for the name {host}")),
            Self::Connection(error) => {
                Failure::new(FailureClass::Unreachable, format!("no connection to {host}: {}", Words::of(&error.to_string())))
            }
            Self::Refused { .. } | Self::Plain => Failure::new(FailureClass::Rejected, format!("{host} {self}")),
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) | Self::Connection(error) => error.fmt(f),
            Self::Refused { address, what } => write!(f, "has the {what} address {address}, which is not called"),
            Self::Plain => f.write_str("would be called over the internet without TLS: write https:// in its URL"),
        }
    }
}

impl std::error::Error for NotSent {}

impl From<NotSent> for ureq::Error {
    fn from(reason: NotSent) -> Self {
        Self::Other(Box::new(reason))
    }
}

/// Resolves a name, and lets only such addresses through as may be called.
#[derive(Debug)]
pub(super) struct Guard {
    reach: Reach,
    names: DefaultResolver,
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, names: DefaultResolver::default() }
    }
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout).map_err(NotSent::Name)?;
        let encrypted = uri.scheme_str() == Some("https");
        for address in &found {
            check(address.ip(), self.reach, encrypted)?;
        }
        Ok(found)
    }
}

/// One forbidden address among several is enough: which of them is called would be chance.
fn check(address: IpAddr, reach: Reach, encrypted: bool) -> Result<(), NotSent> {
    match (kind(address), reach) {
        (Kind::Never(what), _) | (Kind::Private(what), Reach::Public) => Err(NotSent::Refused { address, what }),
        (Kind::Public, _) if !encrypted => Err(NotSent::Plain),
        (Kind::Public, _) | (Kind::Private(_), Reach::Private) => Ok(()),
    }
}

/// Marks the errors of connecting: after them it is certain that nothing was sent.
#[derive(Debug, Default)]
pub(super) struct Connecting(DefaultConnector);

impl Connector<()> for Connecting {
    type Out = Box<dyn Transport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<()>) -> Result<Option<Self::Out>, ureq::Error> {
        self.0.connect(details, chained).map_err(|error| NotSent::Connection(error).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::unversioned::transport::time::Duration;

    fn resolve(url: &str, reach: Reach) -> Result<Vec<IpAddr>, String> {
        let timeout = NextTimeout { after: Duration::NotHappening, reason: ureq::Timeout::Resolve, ..NextTimeout::default() };
        let found = Guard::new(reach).resolve(&url.parse().unwrap(), &Config::default(), timeout);
        found.map(|found| found.iter().map(|address| address.ip()).collect()).map_err(|error| error.to_string())
    }

    /// Each is 127.0.0.1 or 0.0.0.0 to some resolver, or no name at all.
    const DISGUISES: [&str; 14] = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ];

    #[test]
    fn no_spelling_of_this_machine_is_called_unless_allowed() {
        for host in DISGUISES {
            for scheme in ["http", "https"] {
                assert!(resolve(&format!("{scheme}://{host}:8080/x"), Reach::Public).is_err(), "{scheme} {host}");
            }
        }
        for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "[fd00::1]"] {
            assert!(resolve(&format!("http://{host}:8080/x"), Reach::Private).is_ok(), "{host}");
        }
    }

    #[test]
    fn some_addresses_are_not_called_even_when_private_ones_are() {
        for host in ["0.0.0.0", "169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "255.255.255.255", "[ff02::1]"] {
            assert!(resolve(&format!("http://{host}/x"), Reach::Private).is_err(), "{host}");
        }
    }

    #[test]
    fn plain_http_stays_at_home() {
        assert!(resolve("http://1.1.1.1/", Reach::Private).unwrap_err().contains("https://"));
        assert!(resolve("http://1.1.1.1/", Reach::Public).is_err());
        assert_eq!(resolve("https://1.1.1.1/", Reach::Public), Ok(vec!["1.1.1.1".parse().unwrap()]));
    }
}
