use crate::support::TestEnvironment;
use insta::assert_snapshot;
use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;

const CANARY: &str = "canary-4711";

const MISTAKES: &str = "\
max_missed_periods = 3

[database]
url = \"mysql://joe:canary-4711@db/books\"
url_file = \"secret\"
statement_timeout_s = 0

[documents]
foldr = \"pdfs\"
fallback_fonts = \"a.ttf\"

[billing]
max_missed_periods = \"three\"

[bilings]
";

#[test]
fn check_tells_every_mistake_in_one_go() {
    let environment = TestEnvironment::new();
    environment.write("finops.toml", MISTAKES);
    let said = environment.finops(&["config", "check"]);
    assert!(!said.all().contains(CANARY));
    assert_snapshot!("config_check_mistakes", said);
    assert_snapshot!("config_check_mistakes_json", environment.finops(&["config", "check", "--json"]));
}

#[test]
fn check_tells_syntax_errors_and_what_else_is_wrong() {
    let environment = TestEnvironment::new();
    environment
        .write("finops.toml", "[database]\nurl = sqlite:x.db\n[documents\nfolder = \"x\n[billing]\nmax_missed_periods = -1\n");
    assert_snapshot!("config_check_syntax", environment.finops(&["config", "check"]));
    environment.write("finops.toml", b"[database]\n# caf\xe9\n");
    assert_snapshot!("config_check_not_utf8", environment.finops(&["config", "check"]));
}

#[test]
fn a_byte_order_mark_and_windows_lines_are_fine() {
    let environment = TestEnvironment::new();
    environment.write("finops.toml", "\u{feff}[billing]\r\nmax_missed_periods = 5\r\n");
    let said = environment.finops(&["config", "show", "--json"]);
    assert!(said.code == 0 && said.stdout.contains("\"billing.max_missed_periods\",\"value\":5"), "{said}");
}

#[test]
fn show_says_where_values_come_from_and_hides_secrets() {
    let mut environment = TestEnvironment::new();
    environment.set("BOOKS_URL", &format!("postgres://joe:{CANARY}@db.example/books?sslmode=require"));
    environment.write("finops.toml", "[database]\nurl_env = \"BOOKS_URL\"\n[documents]\nfolder = \"pdf\"\n");
    for args in [["config", "show", "-v"], ["config", "show", "--json"]] {
        let said = environment.finops(&args);
        assert!(!said.all().contains(CANARY), "{said}");
        assert_snapshot!(format!("config_show_{}", args[2].trim_start_matches('-')), said);
    }
}

const KEYS: &str = "\
[documents.s3]
bucket = \"books\"
endpoint = \"https://s3.example.com\"
access_key_id_env = \"KEY_ID\"
secret_access_key_env = \"KEY\"
session_token_env = \"KEY\"

[notify_on_completion]
url_env = \"HOOK\"
secret_env = \"SECRET\"
when = \"failure\"
";

#[test]
fn the_keys_of_providers_are_hidden_wherever_they_stand() {
    let mut environment = TestEnvironment::new();
    // Base64, in which the canary can be found again.
    let whsec = "whsec_canary+4711+canary+4711+canary+4711+abcd";
    for (name, value) in [
        ("KEY_ID", CANARY),
        ("KEY", CANARY),
        ("HOOK", &format!("https://hooks.example.com/{CANARY}?token={CANARY}")),
        ("SECRET", &format!("{whsec} {whsec}")),
    ] {
        environment.set(name, value);
    }
    environment.write("finops.toml", KEYS);
    for args in [["config", "show", "-v"], ["config", "show", "--json"], ["config", "check", "-v"]] {
        let said = environment.finops(&args);
        assert!(said.code == 0 && !said.all().contains("canary"), "{said}");
    }
    let shown = environment.finops(&["config", "show", "--json"]).json();
    let redacted: Vec<&str> =
        shown.iter().filter(|item| item["value"] == "[redacted]").filter_map(|item| item["key"].as_str()).collect();
    assert_eq!(
        redacted,
        [
            "documents.s3.access_key_id",
            "documents.s3.secret_access_key",
            "documents.s3.session_token",
            "notify_on_completion.url",
            "notify_on_completion.secret"
        ]
    );
    // Wrong in each way that shows the text around it.
    for (right, wrong) in [
        ("_env = \"KEY_ID\"", format!(" = \"{CANARY} {CANARY}\"")),
        ("secret_access_key_env = \"KEY\"", format!("secret_access_key = \"{CANARY}\u{fc}\"")),
        ("session_token_env = \"KEY\"", format!("session_token_env = \"{CANARY}\"")),
        ("url_env = \"HOOK\"", format!("url = \"ftp://{CANARY}\"")),
        ("secret_env = \"SECRET\"", format!("secret = \"{whsec}canary\"")),
        ("secret_env = \"SECRET\"", format!("secret = [\"{whsec}\"]")),
    ] {
        environment.write("finops.toml", KEYS.replace(right, &wrong));
        for args in [["config", "check", "-v"], ["config", "check", "--json"], ["config", "show", "--json"]] {
            let said = environment.finops(&args);
            assert!(said.code == 78 && !said.all().contains("canary"), "{wrong}: {said}");
        }
    }
    let config = environment.write("finops.toml", KEYS.replace("_env = \"KEY_ID\"", &format!(" = \"{CANARY}\"")));
    set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
    let said = environment.finops(&["config", "check"]);
    assert!(said.code == 78 && said.stderr.contains("chmod 600") && !said.all().contains("canary"), "{said}");
    set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(environment.finops(&["config", "check"]).code, 0);
}

#[test]
fn a_url_under_a_wrong_key_is_not_repeated() {
    let mut environment = TestEnvironment::new();
    environment.set("CREDENTIALS_DIRECTORY", "run");
    for line in [
        "[database]\nurl_env = \"$URL\"",
        "[database]\nurl_file = \"$URL\"",
        "[database]\nurl_credential = \"$URL\"",
        "[database]\nurl_credential = \"joe:canary-4711\"",
        "[database]\nurl_file = \"host=db password=canary-4711\"",
        "[database]\nurl = \"sqlite:$URL\"",
        "[database]\n\"$URL\" = 1",
        "[database]\nstatement_timeout_s = \"$URL\"",
        "[documents]\nfolder = \"$URL\"",
        "[documents]\nfallback_fonts = \"$URL\"",
        "[\"$URL\"]",
        "\"$URL\" = 1",
    ] {
        environment.write("finops.toml", line.replace("$URL", &format!("postgres://joe:{CANARY}@db/books")));
        for args in [["config", "check", "-v"], ["config", "check", "--json"]] {
            let said = environment.finops(&args);
            assert!(said.code == 78 && !said.all().contains(CANARY), "{line}: {said}");
        }
    }
    environment.set("FINOPS_CONFIG", &format!("postgres://joe:{CANARY}@db/books"));
    let said = environment.finops(&["config", "check"]);
    assert!(said.code == 78 && !said.all().contains(CANARY), "{said}");
}

#[test]
fn a_url_that_the_driver_cannot_read_is_told_with_its_place() {
    let mut environment = TestEnvironment::new();
    for (end, reason) in
        [(":99999/books", "wrong port"), ("/books?sslmode=bogus", "wrong sslmode"), ("/books?colour=red", "no option colour")]
    {
        environment.set("BOOKS_URL", &format!("postgres://joe:{CANARY}@db{end}"));
        environment.write("finops.toml", "[database]\nurl_env = \"BOOKS_URL\"\n");
        let said = environment.finops(&["config", "check"]);
        assert!(said.code == 78 && said.stderr.contains("finops.toml:2:11") && said.stderr.contains(reason), "{said}");
        assert!(!said.all().contains(CANARY), "{said}");
    }
}

#[test]
fn a_secret_file_that_others_can_read_is_refused() {
    let environment = TestEnvironment::new();
    let secret = environment.write("etc/url", format!("postgres://joe:{CANARY}@db/books\n"));
    environment.write("etc/finops.toml", "[database]\nurl_file = \"url\"\n");
    let check = || environment.finops(&["config", "check", "--config", "etc/finops.toml"]);
    for mode in [0o640, 0o604] {
        set_permissions(&secret, Permissions::from_mode(mode)).unwrap();
        let said = check();
        assert!(said.code == 78 && said.stderr.contains("chmod 600") && !said.all().contains(CANARY), "{said}");
    }
    set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(check().code, 0);
}

#[test]
fn a_password_in_a_config_that_others_can_read_is_refused() {
    let environment = TestEnvironment::new();
    let config = environment.write("finops.toml", format!("[database]\nurl = \"postgres://joe:{CANARY}@db/books\"\n"));
    set_permissions(&config, Permissions::from_mode(0o644)).unwrap();
    let said = environment.finops(&["config", "check"]);
    assert!(said.code == 78 && !said.all().contains(CANARY), "{said}");
    set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    assert_eq!(environment.finops(&["config", "check"]).code, 0);
}

#[test]
fn a_command_and_a_credential_give_the_url() {
    let mut environment = TestEnvironment::new();
    environment.write("finops.toml", "[database]\nurl_command = \"echo sqlite:$(echo from-command).db\"\n");
    assert!(environment.finops(&["config", "show"]).stdout.contains("from-command.db"));
    environment.write("finops.toml", "[database]\nurl_command = \"echo half; exit 3\"\n");
    assert_eq!(environment.finops(&["config", "check"]).code, 78);

    environment.write("finops.toml", "[database]\nurl_credential = \"db\"\n");
    assert_eq!(environment.finops(&["config", "check"]).code, 78, "no CREDENTIALS_DIRECTORY");
    let folder = environment.write("run/db", "sqlite:from-credential.db").parent().unwrap().display().to_string();
    environment.set("CREDENTIALS_DIRECTORY", &folder);
    assert!(environment.finops(&["config", "show"]).stdout.contains("from-credential.db"));
}

#[test]
fn the_file_is_found_by_flag_then_variable_then_here() {
    let mut environment = TestEnvironment::new();
    assert_snapshot!("config_missing", environment.finops(&["config", "check"]));
    environment.write("finops.toml", "[documents]\nfolder = \"here\"\n");
    environment.write("b/variable.toml", "[documents]\nfolder = \"by-variable\"\n");
    environment.write("c/flag.toml", "[documents]\nfolder = \"by-flag\"\n");
    assert!(environment.finops(&["config", "show"]).stdout.contains(" here "));
    environment.set("FINOPS_CONFIG", "b/variable.toml");
    assert!(environment.finops(&["config", "show"]).stdout.contains("b/by-variable"));
    assert!(environment.finops(&["config", "show", "--config", "c/flag.toml"]).stdout.contains("c/by-flag"));
    environment.set("FINOPS_CONFIG", "nowhere.toml");
    assert_eq!(environment.finops(&["config", "check", "--database", "sqlite:x.db"]).code, 78, "a named file must be there");
}

#[test]
fn a_database_flag_needs_no_file_and_wins_over_it() {
    let environment = TestEnvironment::new();
    let show = || environment.finops(&["--database", "sqlite:other.db", "config", "show"]);
    assert_snapshot!("config_database_flag", show());
    environment.write("finops.toml", "[database]\nurl = \"sqlite:configured.db\"\n");
    assert!(show().stdout.contains("sqlite:other.db"));
    environment.write("finops.toml", "[database]\nurl_env = \"NOT_SET\"\n");
    assert_eq!(show().code, 0, "what the flag replaces is not looked up");
    let said = environment.finops(&["--database", "other.db", "config", "show"]);
    assert!(said.code == 2 && said.stderr.contains("sqlite:"), "{said}");
}
