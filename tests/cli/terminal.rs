//! What a person sees: `finops` on a terminal that `script` (util-linux) makes, read as a screen shows it.

use crate::support::TestEnvironment;
use std::path::Path;

/// The bytes that the terminal got, and how the command ended.
struct Terminal {
    bytes: String,
    code: i32,
}

/// Runs `finops` on a terminal so wide; None where there is no `script`, which is said loudly.
#[expect(clippy::disallowed_macros, reason = "a test that is left out must be seen")]
fn on_terminal(environment: &TestEnvironment, columns: usize, args: &[&str]) -> Option<Terminal> {
    const SCRIPT: &str = "/usr/bin/script";
    if !Path::new(SCRIPT).exists() {
        eprintln!("SKIPPED: {SCRIPT} is missing, so nothing is run on a terminal");
        return None;
    }
    let finops = environment.command(args);
    let words = std::iter::once(finops.get_program()).chain(finops.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut command = std::process::Command::new(SCRIPT);
    command.args(["-qec", &format!("stty cols {columns} rows 500; exec {}", words.join(" ")), "/dev/null"]);
    command.current_dir(finops.get_current_dir().unwrap()).env_clear().stdin(std::process::Stdio::null());
    command.env("TERM", "xterm-256color").env("SHELL", "/bin/sh");
    command.envs(finops.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    Some(Terminal { bytes: String::from_utf8(output.stdout).unwrap(), code: output.status.code().unwrap() })
}

/// What stands on the screen at the end: carriage returns, cursor movements and erasures obeyed,
/// colours left out. Anything else that a terminal can be told fails the test.
fn screen(bytes: &str) -> Vec<String> {
    let mut lines: Vec<Vec<char>> = vec![Vec::new()];
    let (mut row, mut column) = (0_usize, 0_usize);
    let mut rest = bytes.chars();
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\u{1b}' => {
                assert_eq!(rest.next(), Some('['), "a sequence that moves no cursor: {bytes:?}");
                let (mut number, mut end) = (String::new(), ' ');
                for c in rest.by_ref() {
                    if c.is_ascii_alphabetic() {
                        end = c;
                        break;
                    }
                    number.push(c);
                }
                let n: usize = number.parse().unwrap_or(1);
                match end {
                    'm' => {}
                    'A' => row = row.saturating_sub(n),
                    'B' => row += n,
                    'C' => column += n,
                    'D' => column = column.saturating_sub(n),
                    'K' if number == "2" => lines[row].clear(),
                    'K' => lines[row].truncate(column),
                    other => panic!("a sequence that is not known here: {number}{other} in {bytes:?}"),
                }
            }
            c if c.is_control() => panic!("a control character on the screen: {c:?} in {bytes:?}"),
            c => {
                if lines[row].len() <= column {
                    lines[row].resize(column + 1, ' ');
                }
                lines[row][column] = c;
                column += 1;
            }
        }
        if lines.len() <= row {
            lines.resize(row + 1, Vec::new());
        }
    }
    let text = lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned());
    let mut text: Vec<String> = text.collect();
    while text.last().is_some_and(String::is_empty) {
        text.pop();
    }
    text
}

/// A business that has been imported, and nothing of it billed.
pub fn imported() -> TestEnvironment {
    let environment = TestEnvironment::new();
    assert_eq!(environment.finops(&["init"]).code, 0);
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data")).unwrap() {
        let path = entry.unwrap().path();
        environment.write(&format!("data/{}", path.file_name().unwrap().to_str().unwrap()), std::fs::read(&path).unwrap());
    }
    assert_eq!(environment.finops(&["import", "data"]).code, 0);
    environment
}

#[test]
fn a_screen_is_what_is_left_of_the_bytes() {
    assert_eq!(screen("ab\r\ncd\rx\r\n"), ["ab", "xd"]);
    assert_eq!(screen("bar 1\r\u{1b}[2Kdone\r\n\u{1b}[1mbold\u{1b}[0m\r\n"), ["done", "bold"]);
    assert_eq!(screen("one\r\ntwo\u{1b}[1A\r\u{1b}[2K\u{1b}[1B\r\u{1b}[2K\u{1b}[1Athree"), ["three"]);
}

#[test]
fn tables_are_cut_to_the_width() {
    let environment = imported();
    assert_eq!(environment.finops(&["invoices", "generate"]).code, 0);
    let whole = environment.finops(&["invoices", "list"]).stdout;
    for columns in [40, 72] {
        let Some(terminal) = on_terminal(&environment, columns, &["invoices", "list"]) else { return };
        let mut shown = screen(&terminal.bytes);
        assert!(shown.pop().unwrap().starts_with("18 invoices: 2354.95 CHF, "), "what they add up to");
        assert_eq!((terminal.code, shown.len()), (0, whole.lines().count()), "{shown:?}");
        for (line, of) in shown.iter().zip(whole.lines()).skip(1) {
            assert!(line.chars().count() <= columns && line.ends_with('…'), "{columns}: {line:?}");
            // Ids are redacted in `whole`, and made by finops here: what follows them is the same.
            assert!(of.chars().count() > columns || of.contains("[id]"), "{of}");
        }
    }
    let Some(wide) = on_terminal(&environment, 400, &["invoices", "list"]) else { return };
    let shown = screen(&wide.bytes);
    assert!(shown.iter().all(|line| !line.contains('…')), "{shown:?}");
}

#[test]
fn colours_are_on_a_terminal_only_and_not_against_the_users_will() {
    let mut environment = imported();
    let bold = |bytes: &str| bytes.contains("\u{1b}[1m");
    let args = &["schedule", "show"];
    let Some(terminal) = on_terminal(&environment, 100, args) else { return };
    assert!(bold(&terminal.bytes), "the heading of a table is bold: {:?}", terminal.bytes);
    let wrong = on_terminal(&environment, 100, &["invoices", "show", "nothing"]).unwrap();
    assert!(wrong.code == 1 && wrong.bytes.contains("\u{1b}[1;31merror:\u{1b}[0m"), "{:?}", wrong.bytes);
    assert!(!environment.finops(args).all().contains('\u{1b}'));
    let json = on_terminal(&environment, 100, &["schedule", "show", "--json"]).unwrap();
    assert!(!json.bytes.contains('\u{1b}') && json.bytes.starts_with('{'), "data is data: {:?}", json.bytes);
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut plain = imported();
        plain.set(name, value);
        let terminal = on_terminal(&plain, 100, args).unwrap();
        assert!(!terminal.bytes.contains('\u{1b}'), "{name}: {:?}", terminal.bytes);
    }
    environment.set("COLUMNS", "30");
    let narrow = on_terminal(&environment, 100, args).unwrap();
    assert!(screen(&narrow.bytes).iter().all(|line| line.chars().count() <= 30), "COLUMNS goes before the terminal");
}

/// The bar is drawn over and over between the lines; in the end there is no trace of it.
#[test]
fn progress_leaves_the_lines_as_they_are() {
    let (mut in_a_pipe, mut seen) = (imported(), imported());
    let item = "company_id,source_key,seller_id,currency,dated,description,quantity,unit_price,tax_code\n\
                weber,x:1,nordlicht,EUR,2026-10-02,Something rare,1,9.00,rare\n";
    for environment in [&mut in_a_pipe, &mut seen] {
        environment.write("items.csv", item);
        assert_eq!(environment.finops(&["import", "billable_items", "items.csv"]).code, 0);
        environment.set("FINOPS_TEST_BATCH", "2");
    }
    for (seed, verb, bar) in [("1", "generate", "invoices.generate"), ("2", "issue", "document.pdf")] {
        in_a_pipe.set("FINOPS_TEST_SEED", seed);
        seen.set("FINOPS_TEST_SEED", seed);
        let args = ["invoices", verb, "-v"];
        // Both in one place, as on a terminal: `finops` flushes one before it writes to the other.
        let mut shell = std::process::Command::new("/bin/sh");
        let plain = in_a_pipe.command(&args);
        shell.args(["-c", "exec \"$@\" 2>&1", "sh"]).arg(plain.get_program()).args(plain.get_args());
        shell.current_dir(plain.get_current_dir().unwrap()).env_clear();
        shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let plain = in_a_pipe.said(shell.output().unwrap());
        let Some(terminal) = on_terminal(&seen, 400, &args) else { return };
        assert!(terminal.bytes.contains(bar), "there is a bar: {:?}", terminal.bytes);
        assert_eq!(terminal.code, plain.code, "{plain}");
        let shown = screen(&terminal.bytes);
        let expected: Vec<&str> = plain.stdout.lines().map(str::trim_end).collect();
        assert!(expected.len() > 15, "{plain}");
        for (line, expected) in shown.iter().zip(&expected) {
            assert_eq!(without_what_differs(line), without_what_differs(expected));
        }
        assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    }
}

/// The folder, ids and seconds; and what anchors the audit log, which is for cron's mails.
fn without_what_differs(line: &str) -> String {
    let line = line.split_once(", run ").map_or(line, |(line, _)| line);
    let line = line.rsplit_once(", ").filter(|(_, end)| end.ends_with(" s")).map_or(line, |(start, _)| start);
    let known = |word: &&str| !word.contains("[id]") && word.len() != 36 && !word.contains('/');
    line.split(' ').filter(known).collect::<Vec<_>>().join(" ")
}
