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

#[test]
fn the_database_that_is_given_is_the_one_that_is_written() {
    let environment = TestEnvironment::new();
    let said = environment.finops(&["init", "books", "--database", "sqlite:other.db"]);
    assert!(said.code == 0 && environment.path("other.db").exists(), "{said}");
    let shown = environment.finops(&["config", "show", "--config", "books/finops.toml"]);
    assert!(shown.stdout.contains("sqlite:$FOLDER/other.db"), "{shown}");
    assert!(environment.finops(&["status", "--config", "books/finops.toml"]).code == 0);
    for (args, code) in [
        (["init", "books", "--database", "sqlite:third.db"], 2),
        (["init", "more", "--database", "third.db"], 2),
        (["init", "more", "--config", "elsewhere.toml"], 2),
    ] {
        let said = environment.finops(&args);
        assert!(said.code == code && !environment.path("third.db").exists(), "{args:?}: {said}");
    }
    assert!(!environment.path("more").exists() && !environment.path("elsewhere.toml").exists());
}

#[test]
fn the_next_steps_work_where_init_was_run() {
    let environment = TestEnvironment::new();
    assert!(environment.finops(&["init", "my books"]).stdout.contains("\n  cd 'my books'\n"));
    assert!(environment.finops(&["init", "--config", "b.toml"]).stdout.contains("\n  export FINOPS_CONFIG=b.toml\n"));
}

#[test]
fn what_stands_in_the_way_is_told() {
    let environment = TestEnvironment::new();
    std::os::unix::fs::symlink("nowhere.toml", environment.path("finops.toml")).unwrap();
    let said = environment.finops(&["init"]);
    assert!(said.code == 1 && said.stderr.contains("nowhere.toml"), "{said}");
    std::fs::remove_file(environment.path("finops.toml")).unwrap();

    let database = environment.write("finops.db", "x");
    let said = environment.finops(&["init"]);
    assert!(said.code == 1 && said.stderr.contains("finops.db: file is not a database"), "{said}");
    std::fs::write(&database, "").unwrap();
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = environment.finops(&["init"]);
    assert!(said.code == 0 && said.stderr.contains("chmod 600"), "{said}");

    let said = environment.finops(&["db", "migrate", "--database", "sqlite:no/such/books.db"]);
    assert!(said.code == 78 && said.stderr.contains("no folder no/such") && said.stderr.contains("mkdir"), "{said}");
}
