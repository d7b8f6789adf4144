//! What must not be repeated where no secret belongs; the secrets themselves are [`Secret`].

pub use crate::model::secret::{REDACTED, Secret};
use std::borrow::Cow;

/// A text from a place where no secret belongs, unless it looks like one that was put there by
/// mistake: a URL, or a connection string with a password.
pub fn presentable(text: &str) -> Cow<'_, str> {
    let suspicious = text.contains("://") || text.contains('@') || text.to_lowercase().contains("password");
    if suspicious { REDACTED.into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_not_presentable() {
        for text in ["postgres://u:canary@h/d", "postgres:u:canary@h", "host=h Password=canary", "sqlite://x"] {
            assert_eq!(presentable(text), REDACTED, "{text}");
        }
        for text in ["BOOKS_URL", "/etc/finops/database-url", "foldr"] {
            assert_eq!(presentable(text), text);
        }
    }
}
