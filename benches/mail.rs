//! What sending costs: `cargo bench --bench mail -- [N]` (1,000 reminders, each with the PDF of a statement of
//! account that is made for it), and with `invoices` (with their PDFs, which are there).
//!
//! The binary sends them through one SMTP connection to a sink of our own on 127.0.0.1. The yardstick,
//! in the same run, is a bare client loop that sends the same bytes to the same sink, one mail after the
//! other, and waits for each answer. The sink keeps each mail in a file and flushes it to the disk
//! before it says yes, as a real server must (RFC 5321, 4.2.5); `-- N fast` has one that only counts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench program stops at the first error")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use support::{child, ratio};

const FINOPS: &str = env!("CARGO_BIN_EXE_finops");
const AS_OF: &str = "2026-10-05T08:00:00Z";
/// When the invoices of that day are overdue.
const LATER: &str = "2026-11-16T08:00:00Z";

/// A mail as it came.
struct Taken {
    mail: String,
    rcpt: String,
    body: Vec<u8>,
}

fn main() {
    let count = std::env::args().skip(1).find_map(|a| a.parse::<u64>().ok()).unwrap_or(1_000);
    let says = |word: &str| std::env::args().any(|a| a == word);
    let keeps = !says("fast");
    let (job, at) = if says("invoices") { ("invoices send", AS_OF) } else { ("reminders send --kind overdue", LATER) };
    let folder = tempfile::tempdir().unwrap();
    let taken = Arc::new(Mutex::new(Vec::new()));
    let port = sink(Arc::clone(&taken), keeps.then(|| folder.path().join("queue")));
    prepare(folder.path(), count, port);

    let mut command = Command::new("sh");
    let script = format!("cd \"$0\" && exec \"$1\" --now \"$2\" {job}");
    command.arg("-c").arg(script).arg(folder.path()).arg(FINOPS).arg(at);
    let (_, cost, peak) = child(&mut command);
    let ours = cost.wall_ms * 1000;
    let sent = std::mem::take(&mut *taken.lock().unwrap());
    let companies = sent.len();
    assert!(companies > 0, "mails arrived");

    let clock = Instant::now();
    bare(port, &sent);
    let yardstick = u64::try_from(clock.elapsed().as_micros()).unwrap();
    assert_eq!(taken.lock().unwrap().len(), companies);
    let bytes: usize = sent.iter().map(|mail| mail.body.len()).sum();
    let each = |micros: u64| micros / companies as u64;
    let line = format!(
        "{job}: {companies} mails of {} KB: {} µs each ({} µs CPU, peak {peak} MiB); a bare client {} µs; {} of it",
        bytes / companies / 1024,
        each(ours),
        each(cost.cpu_ms * 1000),
        each(yardstick),
        ratio(ours, yardstick)
    );
    writeln!(std::io::stdout().lock(), "{line}").unwrap();
}

fn prepare(folder: &Path, count: u64, port: u16) {
    let data = folder.join("data");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/large.sh");
    assert!(Command::new("sh").arg(script).arg(count.to_string()).arg(&data).status().unwrap().success());
    let config = format!(
        "[mail]\nfrom = \"billing@example.com\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nmax_per_connection = 100000\n"
    );
    std::fs::write(folder.join("finops.toml"), config).unwrap();
    for args in [&["db", "migrate"][..], &["import", "data"], &["invoices", "generate"], &["invoices", "issue"]] {
        run(folder, args);
    }
}

fn run(folder: &Path, args: &[&str]) {
    let mut command = Command::new(FINOPS);
    let status = command.current_dir(folder).args(["--now", AS_OF]).args(args).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{args:?}");
}

/// Takes whatever comes, on a thread a connection.
fn sink(taken: Arc<Mutex<Vec<Taken>>>, queue: Option<PathBuf>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    if let Some(queue) = &queue {
        std::fs::create_dir(queue).unwrap();
    }
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (taken, queue) = (Arc::clone(&taken), queue.clone());
            std::thread::spawn(move || talk(stream, &taken, queue.as_deref()));
        }
    });
    port
}

fn talk(stream: TcpStream, taken: &Mutex<Vec<Taken>>, queue: Option<&Path>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    let mut writer = stream;
    writer.write_all(b"220 sink\r\n")?;
    let (mut mail, mut rcpt, mut line) = (String::new(), String::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-sink\r\n250 8BITMIME\r\n",
            "MAIL" => {
                mail.clone_from(&line);
                b"250 ok\r\n"
            }
            "RCPT" => {
                rcpt.clone_from(&line);
                b"250 ok\r\n"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                let body = body(&mut reader)?;
                if let Some(queue) = queue {
                    let number = taken.lock().unwrap().len();
                    let mut file = std::fs::File::create(queue.join(format!("{number}-{:?}", std::thread::current().id())))?;
                    file.write_all(&body)?;
                    file.sync_all()?;
                }
                taken.lock().unwrap().push(Taken { mail: mail.clone(), rcpt: rcpt.clone(), body });
                b"250 queued\r\n"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => b"250 ok\r\n",
        };
        writer.write_all(answer)?;
    }
}

/// The lines of a mail, dots and all.
fn body(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    loop {
        let start = bytes.len();
        reader.read_until(b'\n', &mut bytes)?;
        if &bytes[start..] == b".\r\n" {
            return Ok(bytes);
        }
    }
}

fn bare(port: u16, mails: &[Taken]) {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut answer = || {
        let mut line = String::new();
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if line.as_bytes().get(3) == Some(&b' ') {
                return line;
            }
        }
    };
    answer();
    writer.write_all(b"EHLO bench\r\n").unwrap();
    answer();
    for mail in mails {
        for (bytes, code) in [(mail.mail.as_bytes(), '2'), (mail.rcpt.as_bytes(), '2'), (b"DATA\r\n", '3'), (&mail.body, '2')] {
            writer.write_all(bytes).unwrap();
            assert!(answer().starts_with(code));
        }
    }
    writer.write_all(b"QUIT\r\n").unwrap();
}
