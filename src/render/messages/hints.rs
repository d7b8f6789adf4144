//! Hints with commands in them: a command stands on a line of its own, where no line break parts it and
//! it can be copied whole.

/// A stretch of a hint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stretch<'h> {
    pub text: &'h str,
    pub is_command: bool,
}

/// What every command begins with.
const PROGRAM: &str = "finops";

/// The hint in stretches of words and of commands. Hints are written for a terminal, where commands stand in the
/// sentence: one ends where its arguments do. Where that is misjudged the words are still all there, in their order.
pub(super) fn stretches(hint: &str) -> Vec<Stretch<'_>> {
    let mut stretches = Vec::new();
    let mut rest = hint;
    while let Some(start) = next_command(rest) {
        let (before, from) = rest.split_at(start);
        let (command, after) = from.split_at(command_length(from));
        stretches.push(words(before));
        stretches.push(Stretch { text: command, is_command: true });
        rest = after;
    }
    stretches.push(words(rest));
    stretches.retain(|stretch| !stretch.text.is_empty());
    stretches
}

/// What is left of a sentence around a command: quotes and colons belonged to it.
fn words(text: &str) -> Stretch<'_> {
    let text = text.trim_start_matches(['`', ',', ';', '.', ')']).trim_end_matches(['`', '(']);
    Stretch { text: text.trim(), is_command: false }
}

fn next_command(text: &str) -> Option<usize> {
    text.match_indices(PROGRAM).map(|(at, _)| at).find(|at| {
        let is_word = text[..*at].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '`' || c == '(');
        is_word && text[at + PROGRAM.len()..].starts_with(' ')
    })
}

/// `finops NOUN VERB`, then flags and what looks like a value rather than like a word of the sentence.
fn command_length(text: &str) -> usize {
    if let Some(end) = text.find('`') {
        return end;
    }
    let mut end = PROGRAM.len();
    let mut is_value = false;
    for (index, word) in text[PROGRAM.len()..].split(' ').skip(1).enumerate() {
        let bare = word.trim_end_matches([',', ';', '.', ')', ':']);
        let is_plain = bare.chars().all(|c| c.is_lowercase() || c == '-');
        let is_flag = bare.starts_with('-');
        let belongs = (index < 2) || is_flag || is_value || !is_plain;
        if bare.is_empty() || !belongs {
            break;
        }
        end += 1 + bare.len();
        if bare.len() < word.len() {
            break;
        }
        // The one flag of our hints whose value is a word.
        is_value = bare == "--as";
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_sentences() {
        for (hint, told) in [
            (
                "mend the cause, then finops effects retry email:x:a@b.de",
                vec!["mend the cause, then", "$finops effects retry email:x:a@b.de"],
            ),
            (
                "look it up, then finops effects settle k:1 --as succeeded, or --as not-done",
                vec!["look it up, then", "$finops effects settle k:1 --as succeeded", "or --as not-done"],
            ),
            ("correct it, then run `finops config check`", vec!["correct it, then run", "$finops config check"]),
            ("run it again; finops runs show tells more", vec!["run it again;", "$finops runs show", "tells more"]),
            ("the next run bills it", vec!["the next run bills it"]),
            ("with finops, all is well", vec!["with finops, all is well"]),
            ("see the file finops.toml", vec!["see the file finops.toml"]),
            ("finops status", vec!["$finops status"]),
        ] {
            let found: Vec<String> =
                stretches(hint).iter().map(|s| format!("{}{}", if s.is_command { "$" } else { "" }, s.text)).collect();
            assert_eq!(found, told, "{hint}");
        }
    }
}
