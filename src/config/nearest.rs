//! What a mistyped key was meant to be.

/// The known word nearest to what was written, when it is near enough to be meant.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let near_enough = 1 + word.chars().count() / 4;
    let ranked = known.map(|known| (distance(word, known), known));
    ranked.min().filter(|(distance, _)| *distance <= near_enough).map(|(_, known)| known)
}

/// Levenshtein distance, in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_near_or_there_is_none() {
        let known = || ["folder", "fallback_fonts"].into_iter();
        assert_eq!(nearest("foldr", known()), Some("folder"));
        assert_eq!(nearest("fallbackfont", known()), Some("fallback_fonts"));
        assert_eq!(nearest("colour", known()), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
