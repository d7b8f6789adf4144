//! CLDR's plural rules (UTS 35, part 3, "Language Plural Rules") for whole numbers.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The forms of a language, each with the rule that chooses it.
#[derive(Debug)]
pub struct PluralRules(Vec<(String, Rule)>);

/// Any of these, of which all must hold.
#[derive(Debug)]
struct Rule(Vec<Vec<Relation>>);

/// `i % 10 = 2..4,6`.
#[derive(Debug)]
struct Relation {
    /// Of digits after the point or an exponent, which whole numbers have none of.
    of_nothing: bool,
    modulus: Option<u64>,
    equal: bool,
    ranges: Vec<RangeInclusive<u64>>,
}

/// The form for what no rule takes.
const OTHER: &str = "other";

impl PluralRules {
    /// Reads rules in CLDR's notation, by form: `one` → `i = 1 and v = 0`.
    pub fn parse(rules: &BTreeMap<String, String>) -> Result<Self, String> {
        let read = |(form, rule): (&String, &String)| -> Result<(String, Rule), String> {
            let parsed = Rule::parse(rule).ok_or_else(|| format!("the plural rule of {form} cannot be read: {rule:?}"))?;
            Ok((form.clone(), parsed))
        };
        rules.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The form that goes with a number of things.
    pub fn form(&self, count: u64) -> &str {
        self.0.iter().find(|(_, rule)| rule.takes(count)).map_or(OTHER, |(form, _)| form)
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let all = |part: &str| part.split(" and ").map(Relation::parse).collect::<Option<Vec<_>>>();
        text.split(" or ").map(all).collect::<Option<_>>().map(Self)
    }

    fn takes(&self, count: u64) -> bool {
        self.0.iter().any(|all| all.iter().all(|relation| relation.holds(count)))
    }
}

impl Relation {
    fn parse(text: &str) -> Option<Self> {
        let (left, right) = text.split_once('=')?;
        let (left, equal) = match left.strip_suffix('!') {
            Some(left) => (left, false),
            None => (left, true),
        };
        let (operand, modulus) = match left.split_once('%') {
            Some((operand, modulus)) => (operand, Some(modulus.trim().parse().ok().filter(|m| *m > 0)?)),
            None => (left, None),
        };
        let of_nothing = match operand.trim() {
            "n" | "i" => false,
            "v" | "w" | "f" | "t" | "c" | "e" => true,
            _ => return None,
        };
        let range = |part: &str| -> Option<RangeInclusive<u64>> {
            let (from, to) = part.split_once("..").unwrap_or((part, part));
            Some(from.trim().parse().ok()?..=to.trim().parse().ok()?)
        };
        let ranges = right.split(',').map(range).collect::<Option<_>>()?;
        Some(Self { of_nothing, modulus, equal, ranges })
    }

    fn holds(&self, count: u64) -> bool {
        let value = if self.of_nothing { 0 } else { count };
        let value = self.modulus.map_or(value, |modulus| value % modulus);
        self.ranges.iter().any(|range| range.contains(&value)) == self.equal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &[(&str, &str)]) -> Result<PluralRules, String> {
        PluralRules::parse(&rules.iter().map(|(form, rule)| ((*form).to_owned(), (*rule).to_owned())).collect())
    }

    #[test]
    fn rules_of_other_families_are_read_too() {
        let welsh = rules(&[("zero", "n = 0"), ("one", "n = 1"), ("two", "n = 2"), ("few", "n = 3"), ("many", "n = 6")]).unwrap();
        let forms: Vec<&str> = (0..8).map(|n| welsh.form(n)).collect();
        assert_eq!(forms, ["zero", "one", "two", "few", "other", "other", "many", "other"]);
        let lithuanian = rules(&[
            ("one", "n % 10 = 1 and n % 100 != 11..19"),
            ("few", "n % 10 = 2..9 and n % 100 != 11..19"),
            ("many", "f != 0"),
        ]);
        let lithuanian = lithuanian.unwrap();
        let forms: Vec<&str> = [1, 2, 9, 10, 11, 21, 22, 111].iter().map(|n| lithuanian.form(*n)).collect();
        assert_eq!(forms, ["one", "few", "few", "other", "other", "one", "few", "other"]);
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_refused() {
        for bad in ["", "i", "x = 1", "i = one", "i % 0 = 1", "i = 1 and"] {
            assert!(rules(&[("one", bad)]).is_err(), "{bad:?}");
        }
    }
}
