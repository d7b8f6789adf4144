//! Sound bytes made unsound: what a broken export, a text editor or a bad disk make of a file.

use proptest::prelude::*;

/// What stands out in CSV, TOML and JSON, and in numbers, dates and texts.
const TOKENS: [&str; 38] = [
    ",",
    ";",
    "\t",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    "\0",
    "\u{feff}",
    " ",
    "=",
    "'",
    "#",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "-",
    "+",
    "1e9",
    "0.000000000000000000000000000001",
    "79228162514264337593543950336",
    "-0",
    "9999-12-31",
    "0000-00-00",
    "2027-02-29",
    "NaN",
    "yes",
    "é",
    "e\u{301}",
    "\u{202e}",
    "😀",
    "4111111111111111",
    "JPY",
    "XXX",
    "..",
];

/// One change.
#[derive(Debug, Clone)]
pub enum Change {
    Insert(usize, &'static str),
    InsertByte(usize, u8),
    Delete(usize, usize),
    Repeat(usize, usize),
    Swap(usize, usize),
    Cut(usize),
}

/// Up to eight changes.
pub fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<usize>;
    let change = prop_oneof![
        4 => (at(), prop::sample::select(&TOKENS[..])).prop_map(|(at, token)| Change::Insert(at, token)),
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::InsertByte(at, byte)),
        2 => (at(), 1..12_usize).prop_map(|(at, length)| Change::Delete(at, length)),
        2 => (at(), 1..60_usize).prop_map(|(at, length)| Change::Repeat(at, length)),
        1 => (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => at().prop_map(Change::Cut),
    ];
    prop::collection::vec(change, 1..8)
}

pub fn mutated(sound: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sound.to_vec();
    for change in changes {
        let length = bytes.len() + 1;
        match *change {
            Change::Insert(at, token) => drop(bytes.splice(at % length..at % length, token.bytes())),
            Change::InsertByte(at, byte) => bytes.insert(at % length, byte),
            Change::Delete(at, count) => drop(bytes.drain(at % length..(at % length + count).min(length - 1))),
            Change::Repeat(at, count) => {
                let part = bytes[at % length..(at % length + count).min(length - 1)].to_vec();
                bytes.splice(at % length..at % length, part);
            }
            Change::Swap(one, other) if length > 1 => bytes.swap(one % (length - 1), other % (length - 1)),
            Change::Swap(..) => {}
            Change::Cut(at) => bytes.truncate(at % length),
        }
    }
    bytes
}
