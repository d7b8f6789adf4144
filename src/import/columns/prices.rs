//! The columns of what prices are made of: items, tiers, plans, discounts, usage.

use super::Need::{Default, Optional, Required};
use super::{COMPANY_ID, CURRENCY, Column, col};

const CONTRACT_ID: Column = col("contract_id", Required, "managed-it", "The contract that it belongs to");
const QUANTITY: Column = col("quantity", Default("1"), "12", "How many; empty where the model is flat").numbers();
const UNIT: Column = col("unit", Optional, "seat", "Printed beside the quantity");
const UNIT_PRICE: Column = col(
    "unit_price",
    Optional,
    "39.90",
    "In the contract's currency; may be finer than a cent. Of a package: a block; of a minimum: what is billed at least. Empty where tiers or a plan say it",
)
.numbers();
const ITEM_TAX_CODE: Column = col("tax_code", Optional, "", "Empty: the seller's");
/// What price models need beyond.
const TERMS: [Column; 4] = [
    col("package_size", Optional, "", "package: units in a block").numbers(),
    col("included", Default("0"), "0", "Units of a full period that cost nothing").numbers(),
    col("meter", Optional, "", "Bills what was used of this meter (usage), when the period is over, instead of the quantity"),
    col("minimum", Optional, "", "What a full period of this item comes to at least; what is missing becomes a line").numbers(),
];
const UP_TO: Column = col("up_to", Optional, "", "Last quantity of the tier; empty for the last tier").numbers();
const TIER_PRICE: Column =
    col("unit_price", Required, "29.90", "Of a unit; may be finer than a cent; 0 where only the fee counts").numbers();
const FLAT_FEE: Column =
    col("flat_fee", Default("0"), "0", "Once a period, when the tier is reached; that of the first always").numbers();

pub(super) const CONTRACT_ITEMS: [Column; 15] = [
    COMPANY_ID,
    CONTRACT_ID,
    col("item_id", Required, "seats", "Your own id, unique within the contract"),
    col("valid_from", Optional, "", "First day of this price and quantity. Empty: the first day not billed yet"),
    col("end", Optional, "", "First day no longer billed"),
    col("description", Required, "Workplace support", "Printed on the invoice"),
    col(
        "price_model",
        Default("per_unit"),
        "per_unit",
        "flat: the unit price a period; per_unit: quantity × unit price a period; graduated: each unit at the price of its tier; \
         volume: all units at the price of the tier that is reached; package: the unit price for each block begun; \
         one_time: once, with the first period billed; minimum: what the contract comes to at least; \
         plan: as the contract's plan prices the item of this id",
    ),
    QUANTITY,
    UNIT,
    UNIT_PRICE,
    ITEM_TAX_CODE,
    TERMS[0],
    TERMS[1],
    TERMS[2],
    TERMS[3],
];

pub(super) const PRICE_TIERS: [Column; 7] = [
    COMPANY_ID,
    CONTRACT_ID,
    col(
        "item_id",
        Required,
        "seats",
        "An item of price_model graduated or volume. Its tiers stand together in the file, and replace those it had",
    ),
    col("valid_from", Optional, "", "First day of these tiers. Empty: the first day not billed yet"),
    UP_TO,
    TIER_PRICE,
    FLAT_FEE,
];

const PLAN_ID: Column = col("plan_id", Required, "basic", "The price list, by your own id");
const PLAN_VERSION: Column = col("version", Required, "2026-01-01", "Its version: the valid_from in plans");

pub(super) const PLANS: [Column; 4] = [
    PLAN_ID,
    col("valid_from", Required, "2026-01-01", "First day on which this version is offered; it names the version"),
    col("name", Required, "Basic", "What you call it"),
    CURRENCY,
];

pub(super) const PLAN_ITEMS: [Column; 13] = [
    PLAN_ID,
    PLAN_VERSION,
    col("item_id", Required, "calls", "Your own id, unique within the version"),
    col("description", Required, "API calls", "Printed on the invoice"),
    col("price_model", Default("per_unit"), "graduated", "As in contract_items.csv, without plan"),
    col("quantity", Default("1"), "", "How many, where no meter counts; empty where the model is flat").numbers(),
    col("unit", Optional, "call", "Printed beside the quantity"),
    Column { sample: "", ..UNIT_PRICE },
    ITEM_TAX_CODE,
    TERMS[0],
    TERMS[1],
    Column { sample: "api-calls", ..TERMS[2] },
    TERMS[3],
];

pub(super) const PLAN_TIERS: [Column; 6] = [
    PLAN_ID,
    PLAN_VERSION,
    col(
        "item_id",
        Required,
        "calls",
        "An item of price_model graduated or volume. Its tiers stand together in the file, and replace those it had",
    ),
    UP_TO,
    Column { sample: "0.002", ..TIER_PRICE },
    FLAT_FEE,
];

pub(super) const CONTRACT_PLANS: [Column; 5] = [
    COMPANY_ID,
    CONTRACT_ID,
    col("valid_from", Optional, "", "First day on this version. Empty: the first day not billed yet"),
    col("plan_id", Optional, "basic", "The price list. Empty: on none any more"),
    col(
        "version",
        Optional,
        "",
        "Its version, which stays until the contract is moved. Empty: the latest that is offered on that day",
    ),
];

pub(super) const CONTRACT_PAUSES: [Column; 4] = [
    COMPANY_ID,
    CONTRACT_ID,
    col("from", Required, "2026-12-20", "First day on which nothing is served or billed"),
    col("until", Optional, "2027-01-07", "First day that is served again. Empty: until it is resumed"),
];

pub(super) const DISCOUNTS: [Column; 9] = [
    COMPANY_ID,
    CONTRACT_ID,
    col("discount_id", Required, "welcome", "Your own id, unique within the contract"),
    col("item_id", Optional, "", "The item that it is on. Empty: all that the contract bills"),
    col("percent", Optional, "10", "Of what is billed; or else amount").numbers(),
    col(
        "amount",
        Optional,
        "",
        "In the contract's currency, of a full period: of a part by the days that are served; or else percent",
    )
    .numbers(),
    col(
        "valid_from",
        Optional,
        "",
        "It begins with the period that has this day, in a trial with the first after it. Empty: the first not billed yet",
    ),
    col("periods", Optional, "3", "For so many periods. Empty: for ever"),
    col("description", Required, "Welcome discount", "Printed on the invoice"),
];

pub(super) const USAGE: [Column; 6] = [
    COMPANY_ID,
    col("usage_key", Required, "2026-10-14/api/C-1001", "What makes this count unique within the company: it is billed once"),
    CONTRACT_ID,
    col("meter", Required, "api-calls", "What was counted; an item of the contract names it"),
    col("used_on", Required, "2026-10-14", "Day of use. What is used in a trial, a pause or before `bill_from` is not billed"),
    col("quantity", Required, "1250", "How many").numbers(),
];
