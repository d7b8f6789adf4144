use crate::support::TestEnvironment;
use insta::assert_snapshot;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_second_init_leaves_the_file_as_it_is() {
    let environment = TestEnvironment::new();
    assert_snapshot!("init_first", environment.finops(&["init"]));
    let path = environment.write("finops.toml", "# mine\n");
    assert_snapshot!("init_again", environment.finops(&["init"]));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "# mine\n");
}

#[test]
fn the_file_passes_its_check_and_only_its_owner_reads_it() {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init", "books/here"]).code, 0);
    let path = environment.path("books/here/finops.toml");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let said = environment.finops(&["config", "check", "--config", "books/here/finops.toml"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let environment = TestEnvironment::new();
    environment.write("file", "");
    let said = environment.finops(&["init", "file/books"]);
    assert!(said.code == 1 && said.stderr.contains("file/books"), "{said}");
}
