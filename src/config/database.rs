//! Where the database is. A URL may hold a password, so it is shown without its user info.

use super::{REDACTED, Secret};
use crate::store;
use std::fmt;
use std::path::{Path, PathBuf};

/// The database of this business: a file, or a Postgres server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:PATH`, made absolute or relative to the working directory.
    Sqlite(PathBuf),
    /// `postgres://…`, whole, as the driver takes it.
    Postgres(Secret<String>),
}

impl DatabaseUrl {
    /// Reads a URL; a relative SQLite path counts from `folder`. The error never repeats the text,
    /// which may hold a password.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match path {
                "" => Err("names no file; write sqlite:finops.db".to_owned()),
                _ if path.contains("://") => {
                    Err("names no file after sqlite:; write sqlite:finops.db or postgres://…".to_owned())
                }
                ":memory:" => Err("a database in memory is gone when the job ends; write sqlite:finops.db".to_owned()),
                _ => Ok(Self::Sqlite(folder.join(path))),
            };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(Secret::new(text.to_owned())));
        }
        Err(match text.split_once(':') {
            Some((scheme, _)) if scheme.chars().all(char::is_alphanumeric) => {
                format!("must begin with sqlite: or postgres://, not {scheme}:")
            }
            _ => "must begin with sqlite: or postgres://; for a file write sqlite:finops.db".to_owned(),
        })
    }

    /// The same, if the driver can read it, too. The error repeats nothing that may be a password.
    pub fn checked(self) -> Result<Self, String> {
        match &self {
            Self::Sqlite(_) => Ok(self),
            Self::Postgres(url) => store::check_url(url.expose()).map(|()| self),
        }
    }

    /// Whether the URL holds a password of its own.
    pub fn holds_password(&self) -> bool {
        let Self::Postgres(url) = self else { return false };
        match Parts::of(url.expose()) {
            Some(Parts { user, query, .. }) => user.contains(':') || query.contains("password="),
            None => true,
        }
    }
}

/// A Postgres URL, apart.
struct Parts<'u> {
    /// `joe:password`, or empty.
    user: &'u str,
    /// `db.example:5432/finops`
    place: &'u str,
    query: &'u str,
}

impl<'u> Parts<'u> {
    /// None when it cannot be told what belongs to the password: one with an unescaped `?` in it.
    fn of(url: &'u str) -> Option<Self> {
        let (_, rest) = url.split_once("://")?;
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        // The last @: a password may hold an unescaped one, or a slash.
        let (user, place) = before.rsplit_once('@').unwrap_or(("", before));
        (!query.contains('@')).then_some(Self { user, place, query })
    }
}

/// Safe to print: `sqlite:finops.db`, `postgres://db.example:5432/finops`.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let place = Parts::of(url.expose()).map_or(REDACTED, |parts| parts.place);
                write!(f, "postgres://{place}")
            }
        }
    }
}

impl serde::Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, String> {
        DatabaseUrl::parse(text, Path::new("/srv/books"))
    }

    #[test]
    fn paths_count_from_the_folder_of_the_config() {
        for (url, path) in
            [("sqlite:finops.db", "/srv/books/finops.db"), ("sqlite:///var/f.db", "/var/f.db"), ("sqlite:/f.db", "/f.db")]
        {
            assert_eq!(parse(url), Ok(DatabaseUrl::Sqlite(PathBuf::from(path))), "{url}");
        }
    }

    #[test]
    fn no_form_of_a_url_shows_its_password() {
        for url in [
            "postgres://joe:canary@db:5432/finops",
            "postgresql://joe:can@ary@db:5432/finops?sslmode=require",
            "postgres://joe:canary/slash@db:5432/finops",
            "postgres://db:5432/finops?user=joe&password=canary",
        ] {
            let read = parse(url).unwrap();
            assert_eq!(read.to_string(), "postgres://db:5432/finops", "{url}");
            assert!(read.holds_password(), "{url}");
        }
        for url in ["postgres://joe:can?canary@db/finops", "postgres://db/finops?user=a@b&password=canary"] {
            let read = parse(url).unwrap();
            assert_eq!(read.to_string(), "postgres://[redacted]", "{url}");
            assert!(read.holds_password(), "{url}");
        }
        assert!(!parse("postgres://joe@db/finops").unwrap().holds_password());
    }

    #[test]
    fn a_wrong_url_is_told_without_repeating_it() {
        for url in ["mysql://joe:canary@db/x", "finops.db", "sqlite:", "sqlite::memory:", "canary"] {
            let reason = parse(url).unwrap_err();
            assert!(!reason.contains("canary") && reason.contains("sqlite:"), "{reason}");
        }
    }
}
