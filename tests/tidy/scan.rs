//! Rust as far as the rules need it: code without comments and texts, functions, the texts themselves.

use std::path::Path;

/// A file of `src/`, without its tests.
pub struct Source {
    /// `store/items.rs`
    pub path: String,
    pub text: String,
    /// The text with comments, texts and `#[cfg(test)]` blocks blanked out; line by line the same.
    pub code: String,
    /// What stands in quotes: (offset in `code`, text).
    pub literals: Vec<(usize, String)>,
}

/// Every file that ships.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    collect(&root, &root, &mut sources);
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(sources.len() > 50, "the sources are found");
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()) {
        if entry.file_name().is_some_and(|n| n == "tests") {
            continue;
        }
        if entry.is_dir() {
            collect(root, &entry, sources);
        } else if entry.extension().is_some_and(|e| e == "rs") && entry.file_name().is_some_and(|n| n != "tests.rs") {
            let path = entry.strip_prefix(root).expect("inside").display().to_string();
            sources.push(Source::new(path, std::fs::read_to_string(&entry).expect("UTF-8")));
        }
    }
}

impl Source {
    pub fn new(path: String, text: String) -> Self {
        let (mut code, mut literals) = blank(&text);
        while let Some(at) = code.find("#[cfg(test)]") {
            let end = block_end(&code, at).unwrap_or(code.len());
            let gone: String = code[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
            code.replace_range(at..end, &gone);
            literals.retain(|(offset, _)| !(at..end).contains(offset));
        }
        Self { path, text, code, literals }
    }

    /// The first part of the path: `store`.
    pub fn room(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub fn line_of(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// The rooms that it names: (line, room).
    pub fn uses(&self) -> Vec<(usize, String)> {
        let mut uses = Vec::new();
        for root in ["crate::", "finops::"] {
            for (at, _) in self.code.match_indices(root) {
                if self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = &self.code[at + root.len()..];
                let names = match rest.strip_prefix('{') {
                    Some(list) => top_level(list),
                    None => vec![word(rest).to_owned()],
                };
                uses.extend(names.into_iter().map(|name| (self.line_of(at), name)));
            }
        }
        uses
    }

    /// (line, name, lines from its signature to its last brace) of every function with a body.
    pub fn functions(&self) -> Vec<(usize, String, usize)> {
        let mut functions = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            if self.code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let name = word(&self.code[at + 3..]).to_owned();
            let Some(end) = block_end(&self.code, at) else { continue };
            if !name.is_empty() && self.code[at..end].ends_with('}') {
                functions.push((self.line_of(at), name, self.code[at..end].matches('\n').count() + 1));
            }
        }
        functions
    }
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
}

/// The first words of a `{a, b::c, d::{e, f}}` without its opening brace.
fn top_level(list: &str) -> Vec<String> {
    let (mut names, mut depth, mut fresh) = (Vec::new(), 0, true);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            c if fresh && c.is_alphabetic() => {
                names.push(word(&list[at..]).to_owned());
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

/// Where the item that starts at `from` ends: behind its closing brace, or its semicolon if that
/// comes before any brace.
fn block_end(code: &str, from: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_i32, 0_i32);
    for (at, c) in code[from..].char_indices() {
        match c {
            '(' | '[' => others += 1,
            ')' | ']' => others -= 1,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 {
                    return Some(from + at + 1);
                }
            }
            ';' if braces == 0 && others == 0 => return Some(from + at + 1),
            _ => {}
        }
    }
    None
}

/// Blanks out comments and texts, byte for byte, and returns the texts.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut literals = Vec::new();
    let wipe = |code: &mut Vec<u8>, from: usize, to: usize| {
        code[from..to].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
    };
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text.as_bytes()[at..];
        let before_is_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if rest.starts_with(b"//") {
            let end = text[at..].find('\n').map_or(bytes.len(), |n| at + n);
            wipe(&mut code, at, end);
            at = end;
        } else if rest.starts_with(b"/*") {
            let end = text[at..].find("*/").map_or(bytes.len(), |n| at + n + 2);
            wipe(&mut code, at, end);
            at = end;
        } else if let Some(hashes) = raw_hashes(rest).filter(|_| !before_is_word) {
            let start = at + 2 + hashes;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = text[start..].find(&close).map_or(bytes.len(), |n| start + n);
            literals.push((at, text[start..end].to_owned()));
            wipe(&mut code, at, (end + close.len()).min(bytes.len()));
            at = (end + close.len()).min(bytes.len());
        } else if rest[0] == b'"' {
            let end = string_end(bytes, at + 1);
            literals.push((at, text[at + 1..end].to_owned()));
            wipe(&mut code, at, (end + 1).min(bytes.len()));
            at = end + 1;
        } else if let Some(length) = char_literal(&text[at..]) {
            wipe(&mut code, at, at + length);
            at += length;
        } else {
            at += 1;
        }
    }
    (String::from_utf8(code).expect("what is left of UTF-8 is UTF-8"), literals)
}

/// `r"` or `r#"`: how many hashes.
fn raw_hashes(rest: &[u8]) -> Option<usize> {
    let hashes = rest.strip_prefix(b"r")?.iter().take_while(|b| **b == b'#').count();
    (rest.get(1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// `'x'` or `'\n'`, and not a lifetime: how many bytes.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if inner.starts_with('\\') {
        return inner.get(2..)?.find('\'').map(|n| n + 4);
    }
    let c = inner.chars().next()?;
    inner[c.len_utf8()..].starts_with('\'').then(|| c.len_utf8() + 2)
}

#[test]
fn comments_texts_and_tests_are_no_code() {
    let text = "use crate::a;\n// crate::b\nfn f<'x>(s: &'x str) { let c = '\"'; g(\"crate::c \\\" }\"); r#\"crate::d\"#; '}' }\n\
                #[cfg(test)]\nmod tests { use crate::e; }\nuse crate::{f::g, h::{i, j}, k};";
    let source = Source::new("x.rs".to_owned(), text.to_owned());
    let names: Vec<String> = source.uses().into_iter().map(|u| u.1).collect();
    assert_eq!(names, ["a", "f", "h", "k"]);
    assert_eq!(source.functions(), [(3, "f".to_owned(), 1)]);
    assert_eq!(source.literals.iter().map(|l| l.1.as_str()).collect::<Vec<_>>(), ["crate::c \\\" }", "crate::d"]);
}
