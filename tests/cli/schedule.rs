use crate::support::TestEnvironment;

#[test]
fn show_needs_no_configuration_and_marks_what_is_planned() {
    let environment = TestEnvironment::new();
    let said = environment.finops(&["schedule", "show"]);
    assert_eq!((said.code, said.stderr.as_str()), (0, ""));
    let line = |command: &str| said.stdout.lines().find(|line| line.contains(command)).unwrap_or_default();
    assert!(line("finops invoices generate").contains("exists"), "{said}");
    assert!(line("finops invoices clean-drafts").contains("planned"), "{said}");

    let items = environment.finops(&["schedule", "show", "--json"]).json();
    assert_eq!(items.len() + 1, said.stdout.lines().count(), "one item for each row under the heading");
    assert!(items.iter().all(|item| item["type"] == "item" && item["cron"].is_string()), "{items:?}");
}

/// A program `crontab` that keeps a file, as cron's own does.
const CRONTAB: &str = "#!/bin/sh\ncase \"$1\" in\n-l) if [ -f \"$HOME/tab\" ]; then cat \"$HOME/tab\"; else echo \"no crontab for me\" >&2; exit 1; fi ;;\n\
                       -) cat > \"$HOME/tab\" ;;\n*) exit 2 ;;\nesac\n";

fn with_cron() -> TestEnvironment {
    use std::os::unix::fs::PermissionsExt;
    let mut environment = TestEnvironment::new();
    let program = environment.write("bin/crontab", CRONTAB);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    environment.set("PATH", &format!("{}:/usr/bin:/bin", program.parent().unwrap().display()));
    assert_eq!(environment.finops(&["init"]).code, 0);
    environment
}

#[test]
fn install_keeps_a_users_own_lines_and_is_idempotent() {
    let environment = with_cron();
    let own = b"MAILTO=me@example.com\n\n7 7 * * *  backup \xff # not UTF-8\n";
    let tab = environment.write("tab", own);
    let tried = environment.finops(&["schedule", "install", "--dry-run", "--json"]).json();
    assert_eq!(tried.last().unwrap()["changed"], true);
    assert_eq!(std::fs::read(&tab).unwrap(), own, "a dry run writes nothing");

    let said = environment.finops(&["schedule", "install"]);
    let program = env!("CARGO_BIN_EXE_finops");
    insta::assert_snapshot!("schedule_install", said.to_string().replace(program, "/usr/local/bin/finops"));
    let installed = std::fs::read(&tab).unwrap();
    assert!(installed.starts_with(own));
    let config = environment.path("finops.toml").canonicalize().unwrap();
    let generate = format!("13 4 * * *  {program} --config {} invoices generate --lock-wait 5m\n", config.display());
    assert!(String::from_utf8_lossy(&installed).contains(&generate));

    assert_eq!(environment.finops(&["schedule", "install", "--json"]).json().last().unwrap()["changed"], false);
    assert_eq!(std::fs::read(&tab).unwrap(), installed, "again, it changes nothing");
    assert_eq!(environment.finops(&["schedule", "install", "--remove"]).code, 0);
    assert_eq!(std::fs::read(&tab).unwrap(), own, "and nothing of it is left");

    std::fs::remove_file(&tab).unwrap();
    assert_eq!(environment.finops(&["schedule", "install"]).code, 0, "a user without a crontab gets one");
    let damaged = std::fs::read_to_string(&tab).unwrap().lines().next().unwrap().to_owned() + "\n";
    environment.write("tab", &damaged);
    let said = environment.finops(&["schedule", "install"]);
    assert!(said.code == 1 && said.stderr.contains("crontab -e"), "{said}");
    assert_eq!(std::fs::read_to_string(&tab).unwrap(), damaged, "what is damaged is left alone");
}

#[test]
fn install_needs_a_crontab_and_a_configuration() {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["schedule", "install"]).code, 78, "without a configuration no job could run");
    assert_eq!(environment.finops(&["init"]).code, 0);
    let mut nowhere = TestEnvironment::new();
    nowhere.set("PATH", "/nowhere");
    assert_eq!(nowhere.finops(&["init"]).code, 0);
    let said = nowhere.finops(&["schedule", "install"]);
    assert!(said.code == 1 && said.stderr.contains("--systemd"), "{said}");
    assert_eq!(nowhere.finops(&["schedule", "install", "--database", "sqlite:x.db"]).code, 2);
}

#[test]
fn systemd_units_are_valid_and_go_again() {
    let environment = with_cron();
    let folder = environment.path(".config/systemd/user");
    assert_eq!(environment.finops(&["schedule", "install", "--systemd"]).code, 0);
    let timer = std::fs::read_to_string(folder.join("finops-invoices-generate.timer")).unwrap();
    assert!(timer.contains("OnCalendar=*-*-* 04:13:00\nPersistent=true\n"), "{timer}");
    let service = std::fs::read_to_string(folder.join("finops-invoices-generate.service")).unwrap();
    let program = env!("CARGO_BIN_EXE_finops");
    assert!(service.contains("Type=oneshot\n") && service.contains(&format!("ExecStart={program} --config /")), "{service}");
    check_units(&folder);
    assert_eq!(environment.finops(&["schedule", "install", "--systemd", "--json"]).json().last().unwrap()["changed"], false);

    let own = environment.write(".config/systemd/user/finops-own.timer", "[Timer]\n");
    assert_eq!(environment.finops(&["schedule", "install", "--systemd", "--remove"]).code, 0);
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [own], "a user's own unit stays");

    let other = environment.write("units/finops-doctor.timer", "[Timer]\n# another's\n");
    let said = environment.finops(&["schedule", "install", "--systemd", "--folder", "units"]);
    assert!(said.code == 1 && said.stderr.contains("not of this configuration"), "{said}");
    assert_eq!(std::fs::read_dir(other.parent().unwrap()).unwrap().count(), 1, "nothing was written");
}

/// By systemd itself, where it is installed.
#[expect(clippy::disallowed_macros, reason = "a test that is left out must be seen")]
fn check_units(folder: &std::path::Path) {
    let analyze = "/usr/bin/systemd-analyze";
    if !std::path::Path::new(analyze).exists() {
        return eprintln!("SKIPPED: {analyze} is missing, so no timer is checked by systemd");
    }
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for when in text.lines().filter_map(|line| line.strip_prefix("OnCalendar=")) {
            let said = std::process::Command::new(analyze).args(["calendar", when]).output().unwrap();
            assert!(said.status.success(), "{when}: {}", String::from_utf8_lossy(&said.stderr));
            checked += 1;
        }
    }
    assert!(checked > 3);
}
