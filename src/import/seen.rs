//! Which rows of a file were there already, in memory that does not grow with the file: the latest keys are held,
//! older ones lie in temporary files and are compared once the file is read.

use super::read::RowKey;
use super::scan::Place;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Rows whose keys are held at least: far more than are written together, so that a row never meets its twin there.
const HELD: usize = 50_000;
/// Files that share the older keys, of which one at a time is looked at.
const PARTS: usize = 64;
/// A key and the place of its row.
const ENTRY_BYTES: usize = 32;

/// The keys of the rows read so far.
pub(super) struct Seen {
    held: usize,
    latest: HashMap<RowKey, Place>,
    /// Full: it goes to the files when `latest` is full, too.
    before: HashMap<RowKey, Place>,
    older: Option<Vec<BufWriter<File>>>,
}

/// A row that has the key of an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Again {
    pub place: Place,
    /// Of the first row with the key.
    pub first_line: u64,
    pub key: RowKey,
}

impl Seen {
    pub fn new() -> Self {
        Self::holding(HELD)
    }

    fn holding(held: usize) -> Self {
        Self { held, latest: HashMap::new(), before: HashMap::new(), older: None }
    }

    /// Notes a row. Some: the line of an earlier one of the same key, if it is held; [`Self::finish`] finds the others.
    pub fn meet(&mut self, key: RowKey, place: Place) -> io::Result<Option<u64>> {
        if let Some(earlier) = self.latest.get(&key).or_else(|| self.before.get(&key)) {
            return Ok(Some(earlier.line));
        }
        if self.latest.len() == self.held {
            std::mem::swap(&mut self.latest, &mut self.before);
            self.put_away()?;
        }
        self.latest.insert(key, place);
        Ok(None)
    }

    /// What came again without being told by [`Self::meet`], in the order of the file.
    pub fn finish(&mut self) -> io::Result<Vec<Again>> {
        if self.older.is_none() {
            return Ok(Vec::new());
        }
        self.put_away()?;
        std::mem::swap(&mut self.latest, &mut self.before);
        self.put_away()?;
        let mut again = Vec::new();
        for part in self.older.take().into_iter().flatten() {
            let mut entries = read(part)?;
            entries.sort_unstable();
            for of_key in entries.chunk_by(|(a, _), (b, _)| a == b) {
                let (key, first) = of_key[0];
                again.extend(of_key[1..].iter().map(|(_, place)| Again { place: *place, first_line: first.line, key }));
            }
        }
        again.sort_unstable();
        Ok(again)
    }

    /// Moves what is in `latest` to the files. The first time there is nothing yet.
    fn put_away(&mut self) -> io::Result<()> {
        if self.latest.is_empty() {
            return Ok(());
        }
        if self.older.is_none() {
            let parts = (0..PARTS).map(|_| tempfile::tempfile().map(BufWriter::new));
            self.older = Some(parts.collect::<io::Result<_>>()?);
        }
        for (key, place) in self.latest.drain() {
            let part = usize::from(key.first_byte()) % PARTS;
            if let Some(file) = self.older.as_mut().and_then(|parts| parts.get_mut(part)) {
                let [high, low] = key.halves();
                for number in [high, low, place.line, place.column] {
                    file.write_all(&number.to_ne_bytes())?;
                }
            }
        }
        Ok(())
    }
}

fn read(part: BufWriter<File>) -> io::Result<Vec<(RowKey, Place)>> {
    let mut file = part.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let entry = |entry: &[u8]| {
        let number = |at: usize| entry[at..at + 8].try_into().map_or(0, u64::from_ne_bytes);
        (RowKey::from_halves([number(0), number(8)]), Place { line: number(16), column: number(24) })
    };
    Ok(bytes.chunks_exact(ENTRY_BYTES).map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> RowKey {
        RowKey::of(&[&number.to_string()])
    }

    /// The lines of what came again, and of what it repeats.
    type Lines = Vec<(u64, u64)>;

    /// As it is met, and at the end.
    fn told(rows: impl IntoIterator<Item = u64>, held: usize) -> (Lines, Lines) {
        let mut seen = Seen::holding(held);
        let mut met = Vec::new();
        for (line, row) in (2..).zip(rows) {
            met.extend(seen.meet(key(row), Place { line, column: 1 }).unwrap().map(|first| (line, first)));
        }
        let late = seen.finish().unwrap();
        assert!(late.iter().all(|again| again.place.column == 1));
        (met, late.iter().map(|again| (again.place.line, again.first_line)).collect())
    }

    #[test]
    fn what_is_held_is_told_at_once_and_the_rest_at_the_end() {
        assert_eq!(told([1, 2, 1, 3, 2, 1], 10), (vec![(4, 2), (6, 3), (7, 2)], vec![]));
        assert_eq!(told((0..1000).chain([5, 999, 5]), 10), (vec![(1003, 1001), (1004, 1002)], vec![(1002, 7)]));
        assert_eq!(told((0..1000).chain(0..1000), 10).1, (0..1000).map(|n| (n + 1002, n + 2)).collect::<Vec<_>>());
        assert_eq!(told(0..100_000, 1000), (vec![], vec![]));
    }

    #[test]
    fn as_many_as_are_held_never_meet_their_twins_later() {
        for distance in [1, 9, 10] {
            for start in 0..40 {
                let rows = (0..start).chain([1000]).chain(2000..2000 + distance).chain([1000]);
                assert_eq!(told(rows, 10), (vec![(start + distance + 3, start + 2)], vec![]), "{distance} after {start}");
            }
        }
    }
}
