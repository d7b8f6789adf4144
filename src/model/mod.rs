//! Values that cannot be wrong: money, ids, dates and the entities made of them.
//!
//! Everything here is parsed once, at the edge (a CSV cell, a database column, a flag), and is
//! valid from then on. Nothing here reads a clock, a file or a database.

pub mod account;
pub mod billable_item;
pub mod calendar;
pub mod card;
pub mod company;
pub mod contact;
pub mod contract;
pub mod digest;
pub mod discount;
pub mod document;
pub mod dunning;
pub mod effect;
pub mod ids;
pub mod invoice;
pub mod job;
pub mod language;
pub mod message;
pub mod money;
pub mod opening;
pub mod payment;
pub mod plan;
pub mod routing;
pub mod secret;
pub mod seller;
pub mod tax;
pub mod tax_id;
pub mod text;
pub mod tiers;
pub mod usage;

pub use billable_item::{Adjustment, BillableItem};
pub use calendar::{Cadence, Interval, Period};
pub use company::{Company, Delivery};
pub use contact::Contact;
pub use contract::{Contract, ContractItem, Pause, PriceModel, PriceTerms, Timing};
pub use discount::{Discount, Off};
pub use effect::{EffectKind, EffectState, Failure, FailureClass, Outage, Receipt, WorkClass};
pub use ids::{
    CompanyId, ContactId, ContractId, DiscountId, InvoiceId, ItemId, Meter, PlanId, RunId, SellerId, SourceKey, TaxCode, UsageKey,
};
pub use invoice::{Correction, FullInvoice, Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, LineDetail, LineKind};
pub use job::{FailReason, JobKind};
pub use money::{Currency, Money};
pub use opening::{OpeningCredit, OpeningInvoice};
pub use payment::Payment;
pub use plan::{ContractPlan, Plan, PlanItem};
pub use routing::Routing;
pub use secret::{REDACTED, Secret};
pub use seller::Seller;
pub use tax::{TaxCategory, TaxRate};
pub use tiers::{Tier, Tiers};
pub use usage::{Usage, UsageDay};

/// A value that could not be read, in words that name what was expected. Whoever knows the place
/// (file, line, column) adds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Implements `FromStr`, `Display` and serde (as text) for an enum of fixed words, so that the
/// word in the database, in CSV, in JSON and on the command line is always the same one.
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident ($what:literal) { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant),+ }

        impl $name {
            /// Every value, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands for it in the database, in CSV and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::Invalid;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                match s {
                    $($text => Ok(Self::$variant),)+
                    _ => Err($crate::model::Invalid::new(format!(
                        "{} must be one of {}, not {s:?}", $what, [$($text),+].join(", ")))),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_enum;
