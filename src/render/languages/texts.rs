//! Texts with variables: `{total} is due on {due}`.

use std::collections::{BTreeMap, BTreeSet};

/// A text, or one for each plural form of its language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    Plain(String),
    /// By CLDR's name of the form: `one`, `other`.
    Counted(BTreeMap<String, String>),
}

/// CLDR's names of the forms of a number.
const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(toml::Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Text {
    fn of(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Ok(Self::Plain(text)),
            toml::Value::Table(table) => {
                let form = |(form, value): (String, toml::Value)| match value {
                    toml::Value::String(text) => Ok((form, text)),
                    _ => Err(format!("the form {form} of a text must be a text")),
                };
                table.into_iter().map(form).collect::<Result<_, _>>().map(Self::Counted)
            }
            other => Err(format!("{} is no text", other.type_str())),
        }
    }

    /// Every wording of it.
    pub fn wordings(&self) -> Vec<&str> {
        match self {
            Self::Plain(text) => vec![text],
            Self::Counted(forms) => forms.values().map(String::as_str).collect(),
        }
    }
}

/// Brings nested tables into one, by the path of the keys. A table of plural forms is one text.
pub(super) fn flatten(path: &str, table: toml::Table, into: &mut BTreeMap<String, Text>) -> Result<(), String> {
    for (key, value) in table {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            toml::Value::Table(inner) if !inner.keys().all(|key| FORMS.contains(&key.as_str())) => flatten(&path, inner, into)?,
            value => {
                into.insert(path, Text::of(value)?);
            }
        }
    }
    Ok(())
}

/// The names in braces.
pub fn variables(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    let _: Result<String, ()> = replace(text, |name| {
        names.insert(name);
        Ok("")
    });
    names
}

/// Puts values in the place of names in braces, once: braces in a value are left alone. A name
/// without a value stays as it stands; tests see to it that no text has one.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let value = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or(());
    replace(text, value).unwrap_or_else(|()| text.to_owned())
}

/// As `fill`; whoever gives the values decides what becomes of a name that has none. A value that
/// ends in a full stop (`Acme Ltd.`) leaves out the one that follows it.
pub(in crate::render) fn replace<'t, 'v, E>(
    text: &'t str,
    mut value: impl FnMut(&'t str) -> Result<&'v str, E>,
) -> Result<String, E> {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        let value = value(name)?;
        filled.push_str(value);
        rest = if value.ends_with('.') { after.strip_prefix('.').unwrap_or(after) } else { after };
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_in_once() {
        assert_eq!(fill("{a} and {b}.", &[("a", "{b}"), ("b", "2")]), "{b} and 2.");
        assert_eq!(fill("{a} and {c}.", &[("a", "1")]), "{a} and {c}.");
        assert_eq!(fill("For {a}.", &[("a", "Acme Ltd.")]), "For Acme Ltd.");
        assert_eq!(fill("an open { brace", &[]), "an open { brace");
        assert_eq!(variables("{a}, {b} and {a}"), BTreeSet::from(["a", "b"]));
    }
}
