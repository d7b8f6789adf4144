//! Values that must not be seen: they are redacted wherever they could be printed.

use std::fmt;

/// What stands in place of a secret in every output.
pub const REDACTED: &str = "[redacted]";

/// A value that no output shows: `Debug`, `Display` and serde all write [`REDACTED`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one call that needs it (a connection, a header).
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> serde::Serialize for Secret<T> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_output_shows_a_secret() {
        let secret = Secret::new("canary");
        let json = serde_json::to_string(&secret).unwrap();
        for shown in [format!("{secret}"), format!("{secret:?}"), format!("{:?}", Some(&secret)), json] {
            assert!(!shown.contains("canary"), "{shown}");
        }
        assert_eq!(*secret.expose(), "canary");
    }
}
