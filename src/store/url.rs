//! Where the database is: `sqlite:PATH` or `postgres://…`.

use crate::model::Invalid;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A database URL. A Postgres URL may hold a password, so it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The URL with its password, for the driver only.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The URL with the password replaced by `***`.
    fn redacted(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return "postgres://***".to_owned() };
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        let shown = match authority.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((name, _)) => format!("{name}:***@{host}"),
                None => authority.to_owned(),
            },
            None => authority.to_owned(),
        };
        let tail = match tail.find("password=") {
            Some(at) => {
                let end = tail[at..].find('&').map_or(tail.len(), |n| at + n);
                format!("{}password=***{}", &tail[..at], &tail[end..])
            }
            None => tail.to_owned(),
        };
        format!("{scheme}://{shown}{tail}")
    }
}

impl DatabaseUrl {
    /// Resolves a relative SQLite path against the folder of the config file, so that it does not
    /// matter where cron stands.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        match self {
            Self::Sqlite(path) if path.is_relative() => Self::Sqlite(folder.join(path)),
            other => other,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Invalid;
    fn from_str(s: &str) -> Result<Self, Invalid> {
        if let Some(path) = s.strip_prefix("sqlite:") {
            // sqlite:///abs/path is how other tools write an absolute path.
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path == ":memory:" {
                return Err(Invalid::new("sqlite: needs the path of a file, such as sqlite:finops.db"));
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        if s.starts_with("postgres://") || s.starts_with("postgresql://") {
            return Ok(Self::Postgres(PostgresUrl(s.to_owned())));
        }
        // The text is not shown: what is not understood may still hold a password.
        Err(Invalid::new("a database URL starts with sqlite: or postgres://"))
    }
}

/// Safe to print: without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&url.redacted()),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        for (url, shown) in [
            ("postgres://u:canary@h:5432/db?sslmode=require", "postgres://u:***@h:5432/db?sslmode=require"),
            ("postgres://u:c@nary@h/db", "postgres://u:***@h/db"),
            ("postgresql://h/db?password=canary&user=u", "postgresql://h/db?password=***&user=u"),
            ("postgres://u@h/db", "postgres://u@h/db"),
            ("sqlite:finops.db", "sqlite:finops.db"),
        ] {
            let parsed: DatabaseUrl = url.parse().unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(format!("{parsed:?}"), shown);
        }
        let error = "mysql://u:canary@h/db".parse::<DatabaseUrl>().unwrap_err();
        assert!(!error.to_string().contains("canary"));
    }
}
