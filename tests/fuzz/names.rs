//! Texts that become names: numbers of invoices, and files, which must stay in their folder.

use finops::providers::folder::{put, relative_name};
use finops::rules::numbering::NumberFormat;
use proptest::prelude::*;
use std::path::{Component, Path};

/// As POSIX file systems have it, less the ending of a file that is being written.
const NAME_MAX: usize = 255 - ".part".len();

fn parts() -> impl Strategy<Value = Vec<String>> {
    // An id has up to 64 characters, of any script.
    let part = prop_oneof!["\\PC{1,64}", "[./\\\\%~a-z]{1,12}", "[äöü漢😀]{1,64}", "\\PC{1,64}\\.pdf"];
    prop::collection::vec(part, 1..4)
}

proptest! {
    #[test]
    fn a_name_made_from_data_stays_in_its_folder(parts in parts()) {
        let name = relative_name(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        let components: Vec<Component> = Path::new(&name).components().collect();
        prop_assert_eq!(components.len(), parts.len(), "{}", name);
        for component in components {
            prop_assert!(matches!(component, Component::Normal(text) if text.len() <= NAME_MAX), "{}", name);
        }
        prop_assert!(name.is_ascii(), "{}", name);
    }

    #[test]
    fn different_data_have_different_names(one in parts(), other in parts()) {
        let name = |parts: &[String]| relative_name(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(one == other, name(&one) == name(&other));
    }

    #[test]
    fn numbers_of_any_format_differ(format in "\\PC{0,20}", fields in "(\\{year\\}|\\{seq\\}|\\{seq:0[0-9]\\}|[-/A-Z{}:]){1,6}",
        years in (1900..9999_i32, 1900..9999_i32), seqs in (1..5000_u64, 1..5000_u64)) {
        for text in [&format, &fields] {
            let Ok(format) = NumberFormat::parse(text) else { continue };
            let number = |year, seq| format.format(year, seq);
            prop_assert_eq!(number(years.0, seqs.0) == number(years.0, seqs.1), seqs.0 == seqs.1, "{}", text);
            if format.restarts_yearly() && years.0 != years.1 {
                prop_assert_ne!(number(years.0, seqs.0), number(years.1, seqs.1), "{}", text);
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::one_in(8))]

    #[test]
    fn a_file_can_be_written_under_any_name(parts in parts()) {
        let folder = tempfile::tempdir().unwrap();
        let name = relative_name(&parts.iter().map(String::as_str).collect::<Vec<_>>());
        let path = put(folder.path(), &name, b"%PDF").map_err(|e| TestCaseError::fail(format!("{name}: {e}")))?;
        prop_assert_eq!(path, folder.path().join(&name));
    }
}
