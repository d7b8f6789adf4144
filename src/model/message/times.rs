//! A message that is sent once more because somebody asked for it: its key says for which time.

/// The key of a message that is sent for the nth time.
pub fn key_of_time(base: &str, times: u32) -> String {
    if times <= 1 { base.to_owned() } else { format!("{base}#{times}") }
}

/// Of what a key is the nth time, where it says so: `a#2` is `a` for the second time. What a number of an
/// invoice ends with may look the same, so whoever asks compares what both are about.
pub fn time_of_key(key: &str) -> Option<(&str, u32)> {
    let (base, times) = key.rsplit_once('#')?;
    let times = times.parse().ok().filter(|times| *times > 1)?;
    (key_of_time(base, times) == key).then_some((base, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_for_which_time() {
        for times in [2, 3, 10] {
            let key = key_of_time("invoice.issued:de:INV-1", times);
            assert_eq!(time_of_key(&key), Some(("invoice.issued:de:INV-1", times)), "{key}");
        }
        assert_eq!(key_of_time("a", 1), "a");
        for key in ["a", "a#", "a#1", "a#02", "a#x", "a#-2"] {
            assert_eq!(time_of_key(key), None, "{key}");
        }
    }
}
