//! The import's own scanner reads what the `csv` crate reads, and survives any bytes.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use finops::import::{Kind, Options, Reader, Row, RowError};
use proptest::prelude::*;

/// The names of companies in a file, and whether any row was refused.
fn names(bytes: &[u8]) -> (Vec<String>, bool) {
    let mut names = Vec::new();
    let mut refused = false;
    let Ok(reader) = Reader::new(Kind::Companies, "f", bytes, &Options::default()) else { return (names, true) };
    for row in reader {
        match row {
            Ok(row) => {
                let Row::Company(company) = row.value else { panic!("not a company") };
                names.push(company.name);
            }
            Err(RowError::Problems(found)) => {
                assert!(!found.problems.is_empty(), "a row is refused with a reason");
                refused = true;
            }
            Err(RowError::Io(error)) => panic!("{error}"),
        }
    }
    (names, refused)
}

proptest! {
    #[test]
    fn agrees_with_the_csv_crate(
        texts in proptest::collection::vec("[a-zä€\",;']{1,12}", 1..8),
        delimiter in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
        crlf: bool,
        always: bool,
    ) {
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
            .quote_style(if always { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
            .from_writer(Vec::new());
        writer.write_record(["company_id", "name", "country"]).unwrap();
        for (i, text) in texts.iter().enumerate() {
            writer.write_record([format!("C-{i}").as_str(), text, "DE"]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes.as_slice());
        let theirs: Vec<String> = reader.records().map(|record| record.unwrap()[1].to_owned()).collect();
        prop_assert_eq!(names(&bytes), (theirs, false));
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut file = b"company_id,name,country\n".to_vec();
        file.extend(&bytes);
        names(&file);
        names(&bytes);
    }
}
