//! Files to import: never a panic, every mistake with a place that is in the file, all or nothing,
//! and what was accepted changes nothing when it is imported again.

use crate::mutate::{Change, changes, mutated};
use crate::one_in;
use crate::support::books::raw;
use crate::support::{TestDb, now};
use finops::error::Problem;
use finops::import::{Format, Kind, Options, Problems, Reader, RowError, encoding};
use finops::operations::import::{How, Input, import_files};
use finops::store::audit::Author;
use finops::store::schema;
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Reads a whole file; what is wrong with it.
type ReadAll = fn(Kind, &[u8], &Options) -> Vec<Problem>;

/// The formats that are imported: what their files end in, and what reads them.
const READERS: &[(&str, ReadAll)] = &[("csv", csv), ("jsonl", jsonl)];

fn csv(kind: Kind, bytes: &[u8], options: &Options) -> Vec<Problem> {
    read(kind, bytes, &Options { format: Some(Format::Csv), ..options.clone() })
}

fn jsonl(kind: Kind, bytes: &[u8], options: &Options) -> Vec<Problem> {
    read(kind, bytes, &Options { format: Some(Format::Jsonl), ..options.clone() })
}

fn read(kind: Kind, bytes: &[u8], options: &Options) -> Vec<Problem> {
    let reader = match Reader::new(kind, "f", bytes, options) {
        Ok(reader) => reader,
        Err(error) => return error.problems,
    };
    let mut problems = Problems::default();
    for row in reader {
        match row {
            Ok(_) => {}
            Err(RowError::Problems(found)) => {
                assert!(!found.problems.is_empty(), "a row is refused with a reason");
                problems.extend(found.problems);
            }
            Err(RowError::Io(error)) => panic!("{error}"),
        }
    }
    problems.into_error().map_or_else(Vec::new, |error| error.problems)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Sound files of every kind and format: the bundled examples and the templates; payments have no example.
fn sound() -> &'static [(Kind, Vec<u8>)] {
    static SOUND: OnceLock<Vec<(Kind, Vec<u8>)>> = OnceLock::new();
    SOUND.get_or_init(|| {
        let example = |kind: &Kind| Some((*kind, std::fs::read(root().join("examples/data").join(kind.file_name())).ok()?));
        let templates = Kind::ALL.iter().map(|kind| (*kind, kind.template().into_bytes()));
        let mut all: Vec<(Kind, Vec<u8>)> = Kind::ALL.iter().filter_map(example).chain(templates).collect();
        let lines: Vec<_> = all.iter().map(|(kind, csv)| (*kind, as_json_lines(csv))).collect();
        all.extend(lines);
        all
    })
}

/// The same rows as objects, what is empty as null.
fn as_json_lines(bytes: &[u8]) -> Vec<u8> {
    let mut reader = ::csv::Reader::from_reader(bytes);
    let columns = reader.headers().unwrap().clone();
    let mut lines = Vec::new();
    for record in reader.records() {
        let value = |cell: &str| if cell.is_empty() { serde_json::Value::Null } else { cell.into() };
        let record = record.unwrap();
        let object: serde_json::Map<_, _> = columns.iter().map(str::to_owned).zip(record.iter().map(value)).collect();
        serde_json::to_writer(&mut lines, &object).unwrap();
        lines.push(b'\n');
    }
    lines
}

fn kinds() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL)
}

fn encodings() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["utf-8", "utf-16le", "utf-16be", "windows-1252", "shift_jis", "gb18030"][..])
}

fn files() -> impl Strategy<Value = (Kind, Vec<u8>)> {
    (prop::sample::select(sound()), changes()).prop_map(|((kind, bytes), changes)| (kind, mutated(&bytes, &changes)))
}

/// Reads it in every format, and holds the places against the text.
fn reads(kind: Kind, bytes: &[u8], label: &str) {
    let options = Options { encoding: encoding(label).unwrap(), ..Options::default() };
    let (text, _, _) = options.encoding.decode(bytes);
    // As an editor counts: a line ends with LF, CR LF or CR.
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<usize> = unified.split('\n').map(|line| line.chars().count()).collect();
    for (name, read) in READERS {
        for problem in read(kind, bytes, &options) {
            let length = usize::try_from(problem.line).ok().and_then(|line| lines.get(line.checked_sub(1)?));
            let length = *length.unwrap_or_else(|| panic!("{name}: there is no such line: {problem}"));
            let column = usize::try_from(problem.column).unwrap();
            assert!((1..=length + 1).contains(&column), "{name}: line {} has {length} columns: {problem}", problem.line);
            assert!(!problem.reason.is_empty(), "{name}: {problem}");
        }
    }
}

/// The example business on SQLite, made once and copied.
fn business() -> TestDb {
    static BUSINESS: OnceLock<TestDb> = OnceLock::new();
    let db = BUSINESS.get_or_init(|| {
        let db = TestDb::sqlite();
        schema::migrate(&mut db.open(), now()).unwrap();
        let data = root().join("examples/data");
        let files: Vec<(Kind, Input)> = Kind::ALL
            .iter()
            .map(|kind| (*kind, data.join(kind.file_name())))
            .filter(|file| file.1.exists())
            .map(|(kind, path)| (kind, Input::Path(path)))
            .collect();
        import(&db, &files, None).unwrap();
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        db
    });
    db.copy()
}

fn import(db: &TestDb, files: &[(Kind, Input)], format: Option<Format>) -> finops::error::Result<bool> {
    let (options, author) = (Options { format, ..Options::default() }, Author::person("fuzz".to_owned(), now()));
    let how = How { options: &options, author: &author, as_of: now(), ctx: None, dry_run: false };
    import_files(&mut db.open(), files, &how).map(|summary| summary.something_changed())
}

/// All or nothing, and only once, in every format.
fn imports(kind: Kind, bytes: &[u8]) {
    for format in Format::ALL {
        imports_as(kind, bytes, *format);
    }
}

fn imports_as(kind: Kind, bytes: &[u8], format: Format) {
    let db = business();
    let before = raw(&db);
    let files = [(kind, Input::Stdin(bytes.to_vec()))];
    match import(&db, &files, Some(format)) {
        Err(error) => {
            assert!(!error.problems.is_empty(), "{error}");
            assert_eq!(raw(&db), before, "nothing is imported of a file that is refused");
        }
        Ok(changed) => {
            let after = raw(&db);
            assert_eq!(after != before, changed, "what is said to be changed is changed");
            assert!(!import(&db, &files, Some(format)).expect("what was accepted is accepted again"), "and changes nothing");
            assert_eq!(raw(&db), after);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused_at_a_place(kind in kinds(), label in encodings(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        reads(kind, &bytes, label);
    }

    #[test]
    fn broken_files_are_read_or_refused_at_a_place((kind, bytes) in files(), label in encodings()) {
        reads(kind, &bytes, "utf-8");
        reads(kind, &bytes, label);
    }
}

proptest! {
    #![proptest_config(one_in(8))]

    #[test]
    fn broken_files_are_imported_wholly_or_not_at_all((kind, bytes) in files()) {
        imports(kind, &bytes);
    }
}

/// What once failed, as files `KIND.CASE.EXTENSION`; those of `tests/import_corpus` go the same way.
#[test]
fn kept_files_are_read_or_refused_at_a_place() {
    let mut seen = 0;
    for folder in ["tests/fuzz/corpus", "tests/import_corpus"] {
        for path in std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if let Some(kind) = kind_of(&path) {
                let bytes = std::fs::read(&path).unwrap();
                ["utf-8", "utf-16le", "shift_jis"].iter().for_each(|label| reads(kind, &bytes, label));
                imports(kind, &bytes);
                seen += 1;
            }
        }
    }
    assert!(seen >= 20, "the corpus is here");
}

fn kind_of(path: &Path) -> Option<Kind> {
    let known = READERS.iter().any(|(extension, _)| path.extension().is_some_and(|e| e == *extension));
    known.then(|| path.file_name()?.to_str()?.split('.').next()?.parse().ok()).flatten()
}

#[test]
fn changes_keep_within_the_file() {
    assert_eq!(mutated(b"", &[Change::Swap(3, 4), Change::Delete(5, 6), Change::Cut(9)]), b"");
    assert_eq!(mutated(b"ab", &[Change::Insert(5, ","), Change::Repeat(0, 1)]), b"aab,");
}
