//! Identifiers, one type each, so that a company's id cannot be passed where an invoice's is due.
//!
//! ```compile_fail
//! use finops::model::{CompanyId, ContractId};
//! fn bill(_: &CompanyId) {}
//! bill(&"c-1".parse::<ContractId>().unwrap());
//! ```

use super::Invalid;
use std::fmt;
use std::sync::Arc;

/// The company that owns rows which belong to no customer (distributed.md, rule 1).
pub const SYSTEM_COMPANY: &str = "_system";

/// Longest id that users may bring, in characters.
pub const MAX_ID_CHARS: usize = 64;

fn check_user_id(what: &str, s: &str) -> Result<(), Invalid> {
    if s.is_empty() {
        return Err(Invalid::new(format!("{what} is empty")));
    }
    if s.chars().count() > MAX_ID_CHARS {
        return Err(Invalid::new(format!("{what} is longer than {MAX_ID_CHARS} characters")));
    }
    if s.starts_with('_') {
        return Err(Invalid::new(format!("{what} must not start with an underscore: those ids are reserved")));
    }
    if s.chars().any(|c| c.is_control() || super::text::is_invisible(c)) {
        return Err(Invalid::new(format!("{what} contains a control or invisible character")));
    }
    if s.trim() != s {
        return Err(Invalid::new(format!("{what} starts or ends with a space")));
    }
    Ok(())
}

macro_rules! user_id {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str { &self.0 }

            /// Reads an id that the database has already accepted once.
            pub(crate) fn stored(s: &str) -> Self { Self(Arc::from(s)) }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(s: &str) -> Result<Self, Invalid> {
                check_user_id($what, s)?;
                Ok(Self(Arc::from(s)))
            }
        }

        user_id!(@common $name);
    };
    (@common $name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(&self.0) }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(&self.0) }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

macro_rules! made_id {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str { &self.0 }
            pub(crate) fn stored(s: &str) -> Self { Self(Arc::from(s)) }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                let mut buffer = uuid::Uuid::encode_buffer();
                Self(Arc::from(&*id.hyphenated().encode_lower(&mut buffer)))
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(s: &str) -> Result<Self, Invalid> {
                match uuid::Uuid::try_parse(s) {
                    Ok(id) => Ok(Self::from(id)),
                    Err(_) => Err(Invalid::new(format!("{} must be an id as finops prints it (a UUID), not {s:?}", $what))),
                }
            }
        }

        user_id!(@common $name);
    };
}

user_id!(/// The legal entity that bills. The user's own id.
    SellerId, "seller id");
user_id!(/// Who is billed: the customer. The user's own id; the sharding key of its rows.
    CompanyId, "company id");
user_id!(/// A person at one company. The user's own id, unique within the company.
    ContactId, "contact id");
user_id!(/// A contract of one company. The user's own id, unique within the company.
    ContractId, "contract id");
user_id!(/// A priced item of one contract. The user's own id, unique within the contract.
    ItemId, "item id");
user_id!(/// What makes a billable item unique within its company: `ticket:4711`, `domain:example.com:2026`.
    SourceKey, "source key");
user_id!(/// A discount of one contract. The user's own id, unique within the contract.
    DiscountId, "discount id");
user_id!(/// What makes a count of usage unique within its company: `2026-10-14/api/acme`.
    UsageKey, "usage key");
user_id!(/// What is counted: `api-calls`, `gb-stored`. The user's own name.
    Meter, "meter");
user_id!(/// A price list. The user's own id.
    PlanId, "plan id");
user_id!(/// A seller's own name for a way to tax: `standard`, `reduced`, `reverse-charge`.
    TaxCode, "tax code");

made_id!(/// An invoice or credit note, from draft on. Made by finops (UUIDv7); the number comes with the issue.
    InvoiceId, "invoice id");
made_id!(/// One execution of a job. Made by finops (UUIDv7).
    RunId, "run id");

impl RunId {
    /// For work beside any run: its process, as the kernel tells it from every other.
    pub fn of_process(process: &str) -> Self {
        Self::stored(process)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_checked_once_at_the_edge() {
        assert!("acme-1".parse::<CompanyId>().is_ok());
        for bad in ["", "_system", " acme", "a\nb", &"x".repeat(65)] {
            assert!(bad.parse::<CompanyId>().is_err(), "{bad:?}");
        }
        assert!("ü".repeat(64).parse::<CompanyId>().is_ok(), "the limit is in characters, not bytes");
    }
}
