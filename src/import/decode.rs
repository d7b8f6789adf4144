//! Bytes to text, a piece at a time: byte order marks, UTF-16, and what old spreadsheets write.
//!
//! A byte that does not belong to the encoding becomes U+FFFD; whoever knows the place reports it,
//! as it does a U+FFFD that an earlier conversion left in the file.

use encoding_rs::{Decoder, Encoding};
use std::io::{self, Read};

/// Stands where bytes could not be read.
pub const UNREADABLE: char = char::REPLACEMENT_CHARACTER;

const PIECE_BYTES: usize = 64 * 1024;

/// A stream of text. A byte order mark decides over the encoding that was asked for, and is taken off.
pub struct Text<R> {
    input: R,
    decoder: Decoder,
    bytes: Box<[u8]>,
    finished: bool,
}

impl<R: Read> Text<R> {
    pub fn new(input: R, encoding: &'static Encoding) -> Self {
        Self { input, decoder: encoding.new_decoder(), bytes: vec![0; PIECE_BYTES].into_boxed_slice(), finished: false }
    }

    /// Appends the next piece to `out`; false at the end of the input, when nothing was appended.
    pub fn read_piece(&mut self, out: &mut String) -> io::Result<bool> {
        let before = out.len();
        while !self.finished && out.len() == before {
            let count = match self.input.read(&mut self.bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            self.finished = count == 0;
            out.reserve(self.decoder.max_utf8_buffer_length(count).unwrap_or(4 * PIECE_BYTES));
            let _ = self.decoder.decode_to_string(&self.bytes[..count], out, self.finished);
        }
        Ok(out.len() > before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(bytes: &[u8], encoding: &'static Encoding) -> String {
        let mut text = Text::new(bytes, encoding);
        let mut out = String::new();
        while text.read_piece(&mut out).unwrap() {}
        out
    }

    #[test]
    fn a_byte_order_mark_decides() {
        for bytes in [&b"\xEF\xBB\xBFd\xC3\xBC"[..], b"\xFF\xFEd\0\xFC\0", b"\xFE\xFF\0d\0\xFC", b"d\xC3\xBC"] {
            assert_eq!(decode(bytes, encoding_rs::UTF_8), "dü", "{bytes:?}");
        }
        assert_eq!(decode(b"d\xFC \x80", encoding_rs::WINDOWS_1252), "dü €");
    }

    #[test]
    fn unreadable_bytes_leave_a_mark() {
        assert_eq!(decode(b"d\xFCr", encoding_rs::UTF_8), format!("d{UNREADABLE}r"));
        assert_eq!(decode(b"d\xC3", encoding_rs::UTF_8), format!("d{UNREADABLE}"), "cut within a character");
        assert_eq!(decode(b"\xFF\xFEd\0\xFC", encoding_rs::UTF_8), format!("d{UNREADABLE}"), "half a UTF-16 unit");
    }
}
