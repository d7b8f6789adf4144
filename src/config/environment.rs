//! The process's environment: read here and nowhere else, so that a test can give its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// The variables that `finops` was started with.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
        let vars = std::env::vars_os();
        Self(vars.collect())
    }

    /// Given variables, for tests.
    pub fn of<const N: usize>(vars: [(&str, &str); N]) -> Self {
        Self(vars.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// A variable's text; none when it is not set, is empty, or is no UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(&OsString::from(name))?.to_str().filter(|text| !text.is_empty())
    }

    /// A variable that names a file or folder.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(&OsString::from(name)).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// Whether colour is not wanted (no-color.org), or the terminal cannot show it.
    pub fn no_color(&self) -> bool {
        self.text("NO_COLOR").is_some() || self.text("TERM") == Some("dumb")
    }

    /// The terminal's columns, where the shell exports them.
    pub fn columns(&self) -> Option<usize> {
        self.text("COLUMNS")?.parse().ok().filter(|columns| *columns > 0)
    }
}
