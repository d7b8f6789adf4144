//! Splitting an amount by largest remainder.

use finops::model::Money;
use proptest::prelude::*;

proptest! {
    #[test]
    fn parts_add_up_and_stay_within_one_unit(minor in any::<i64>(), weights in prop::collection::vec(0_u64..1_000_000, 1..20)) {
        // The smallest i64 has no counterpart with the other sign; no amount of money is that large.
        prop_assume!(minor != i64::MIN);
        let parts = Money::from_minor(minor, "EUR".parse().unwrap()).split(&weights);
        prop_assert_eq!(parts.iter().map(|part| i128::from(part.minor())).sum::<i128>(), i128::from(minor));
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        prop_assume!(total > 0);
        for (part, weight) in parts.iter().zip(&weights) {
            let exact = i128::from(minor) * i128::from(*weight);
            prop_assert!((i128::from(part.minor()) * total - exact).abs() < total, "{} of {} by {}/{}", part, minor, weight, total);
        }
    }
}
