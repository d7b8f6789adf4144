//! `finops completions` and `finops man`.

use crate::support::TestEnvironment;

#[test]
fn every_shell_gets_completions_of_every_command() {
    let environment = TestEnvironment::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = environment.finops(&["completions", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (0, ""), "{shell}");
        for word in ["invoices", "generate", "schedule", "dry-run"] {
            assert!(said.stdout.contains(word), "{shell}: {word}");
        }
        assert_eq!(environment.finops(&["completions", shell, "--json"]).json()[0]["shell"], shell);
    }
    let bash = environment.write("finops.bash", environment.finops(&["completions", "bash"]).stdout);
    let mut check = std::process::Command::new("/bin/bash");
    let script = "source \"$1\"; COMP_WORDS=(finops inv); COMP_CWORD=1; _finops finops inv finops; echo \"${COMPREPLY[@]}\"";
    let said = environment.said(check.args(["-c", script, "bash"]).arg(bash).output().unwrap());
    assert_eq!(said.stdout.trim(), "invoices", "{said}");
    assert_eq!(environment.finops(&["completions", "tcsh"]).code, 2);
}

#[test]
fn every_command_has_its_page() {
    let environment = TestEnvironment::new();
    let page = environment.finops(&["man"]);
    assert!(page.code == 0 && page.stdout.contains(".TH finops 1"), "{page}");
    assert_eq!(environment.finops(&["man", "a/man1"]).code, 0);
    let names: Vec<String> = std::fs::read_dir(environment.path("a/man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["finops.1", "finops-invoices.1", "finops-invoices-generate.1", "finops-schedule-install.1"] {
        assert!(names.iter().any(|there| there == name), "{name}: {names:?}");
    }
    let generate = std::fs::read_to_string(environment.path("a/man1/finops-invoices-generate.1")).unwrap();
    assert!(generate.contains("finops invoices generate") || generate.contains("finops\\-invoices\\-generate"), "{generate}");
}
