//! A statement that looks up one key, or one range of keys, made into what each engine does with many.

/// The text of a statement around `company_id = $1 AND key = $2`.
pub(super) struct ByKey<'s> {
    before: &'s str,
    /// `b.`, or nothing.
    alias: &'s str,
    key: &'s str,
    after: &'s str,
}

impl<'s> ByKey<'s> {
    pub fn of(sql: &'s str) -> Option<Self> {
        let (before, rest) = sql.split_once("company_id = $1 AND ")?;
        let (key, after) = rest.split_once(" = $2")?;
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let (before, alias) = before.split_at(before.trim_end_matches(is_name).len());
        Some(Self { before, alias, key, after })
    }

    /// For Postgres: a search for pairs. Two arrays of their own (`= ANY` twice) would look each key up in each company.
    pub fn pairs(&self) -> String {
        let Self { before, alias, key, after } = self;
        format!("{before}({alias}company_id, {key}) IN (SELECT * FROM unnest($1::text[], $2::text[])){after}")
    }

    /// For SQLite: whether there is anything at all from a first to a last key.
    pub fn any_between(&self) -> String {
        let Self { before, alias, key, after } = self;
        format!("{before}{alias}company_id = ?1 AND {key} >= ?2 AND {key} <= ?3{after} LIMIT 1")
    }
}

/// For Postgres: a statement about the keys from `$2` to `$3`, for each of many such ranges. `OFFSET 0` keeps it whole:
/// merged into a join, all that the company has could be read once rather than an index for each range.
pub(super) fn by_ranges(sql: &str) -> String {
    let of_one = sql.replace("$2", "low").replace("$3", "high");
    format!(
        "SELECT found.* FROM unnest($2::text[], $3::text[]) AS ranges (low, high) CROSS JOIN LATERAL ({of_one} OFFSET 0) AS found"
    )
}

#[cfg(test)]
mod tests {
    use super::{ByKey, by_ranges};

    #[test]
    fn one_range_becomes_many() {
        assert_eq!(
            by_ranges("SELECT a, k FROM t WHERE company_id = $1 AND k >= $2 AND k < $3"),
            "SELECT found.* FROM unnest($2::text[], $3::text[]) AS ranges (low, high) CROSS JOIN LATERAL \
             (SELECT a, k FROM t WHERE company_id = $1 AND k >= low AND k < high OFFSET 0) AS found"
        );
    }

    #[test]
    fn one_key_becomes_many() {
        let plain = ByKey::of("SELECT 1 FROM t WHERE company_id = $1 AND k = $2").unwrap();
        assert_eq!(plain.pairs(), "SELECT 1 FROM t WHERE (company_id, k) IN (SELECT * FROM unnest($1::text[], $2::text[]))");
        assert_eq!(plain.any_between(), "SELECT 1 FROM t WHERE company_id = ?1 AND k >= ?2 AND k <= ?3 LIMIT 1");
        let joined = "SELECT 1 FROM t b JOIN u ON u.company_id = b.company_id WHERE b.company_id = $1 AND b.k = $2 AND b.k <> ''";
        let joined = ByKey::of(joined).unwrap();
        assert_eq!(
            joined.pairs(),
            "SELECT 1 FROM t b JOIN u ON u.company_id = b.company_id WHERE (b.company_id, b.k) IN \
             (SELECT * FROM unnest($1::text[], $2::text[])) AND b.k <> ''"
        );
        assert!(joined.any_between().ends_with("WHERE b.company_id = ?1 AND b.k >= ?2 AND b.k <= ?3 AND b.k <> '' LIMIT 1"));
        assert!(ByKey::of("SELECT 1 FROM t WHERE k = $1").is_none());
    }
}
