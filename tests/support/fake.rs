//! A fake provider in a process of its own: an HTTP server on 127.0.0.1 that answers by a script and
//! writes down every call, durably, before it answers. Whoever is killed, its record stands.
//!
//! It is this test program once more, started with the name of an ignored test, so that no further
//! program has to be built. It ends with the process that started it.
//!
//! A POST that succeeds is an act. One with an `Idempotency-Key` (or a `webhook-id`) is kept as
//! Stripe keeps it: the same key and content gives the first answer again, other content is refused
//! with 400; of failures only 402 (declined) is kept. `GET …/KEY` tells what became of a key.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const FOLDER: &str = "FINOPS_TEST_FAKE";

/// How one request is treated; those beyond the script are done at once, with 200.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    /// Before the answer, after the record.
    pub delay_ms: u64,
    pub cut: Cut,
}

/// Where the connection ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    No,
    /// Nothing was read: it did not happen.
    BeforeReading,
    /// It happened, and nobody is told.
    AfterRecording,
}

impl Step {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), delay_ms: 0, cut: Cut::No }
    }

    pub fn done() -> Self {
        Self::status(200)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Longer than the caller waits, this is a provider that hangs.
    pub fn after(self, delay: Duration) -> Self {
        Self { delay_ms: u64::try_from(delay.as_millis()).expect("short"), ..self }
    }

    pub fn cut(self, cut: Cut) -> Self {
        Self { cut, ..self }
    }
}

/// A request as it was received, and what was done about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: BTreeMap<String, String>,
    /// The idempotency key, or empty.
    pub key: String,
    pub body: String,
    pub body_sha256: String,
    pub status: u16,
    /// The same call was answered before, and this is the same answer.
    pub replayed: bool,
}

impl Call {
    /// Whether this one changed the provider's books.
    pub fn acted(&self) -> bool {
        self.method == "POST" && self.status < 300 && !self.replayed
    }
}

/// A running fake.
pub struct Fake {
    folder: TempDir,
    port: u16,
    child: Child,
}

impl Fake {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("finops-fake-").tempdir().expect("a temporary folder");
        // The test's own name, without the crate's.
        let test = concat!(module_path!(), "::serves_as_a_fake_provider").split_once("::").expect("a crate").1;
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([test, "--exact", "--ignored", "--nocapture"]).env(FOLDER, folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut fake = Self { port: 0, child: command.spawn().expect("this program starts again"), folder };
        let port = fake.folder.path().join("port");
        for _ in 0..600 {
            if let Some(port) = std::fs::read_to_string(&port).ok().and_then(|text| text.parse().ok()) {
                fake.port = port;
                return fake;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the fake provider does not start");
    }

    /// `http://127.0.0.1:4711`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Adds to what happens to the next POSTs.
    pub fn script(&self, steps: &[Step]) {
        append(&self.folder.path().join("POST"), steps);
    }

    /// Adds to what happens to the next GETs.
    pub fn script_look_ups(&self, steps: &[Step]) {
        append(&self.folder.path().join("GET"), steps);
    }

    /// Every call until now, in order.
    pub fn calls(&self) -> Vec<Call> {
        lines(&self.folder.path().join("calls"))
    }

    /// The acts that were done, by key.
    pub fn acts(&self) -> BTreeMap<String, usize> {
        let mut acts = BTreeMap::new();
        for call in self.calls().iter().filter(|call| call.acted()) {
            *acts.entry(call.key.clone()).or_default() += 1;
        }
        acts
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn append<T: Serialize>(path: &Path, values: &[T]) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file of the fake");
    let text: String = values.iter().map(|value| serde_json::to_string(value).expect("JSON") + "\n").collect();
    file.write_all(text.as_bytes()).and_then(|()| file.sync_data()).expect("the disk takes it");
}

fn lines<T: for<'t> Deserialize<'t>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
#[ignore = "the process of a fake provider, which tests start"]
fn serves_as_a_fake_provider() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its own child what it is")]
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    let books = Arc::new(Books { folder: folder.clone(), kept: Mutex::default() });
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let books = Arc::clone(&books);
            std::thread::spawn(move || books.serve(client));
        }
    });
    std::fs::write(folder.join("port.new"), port.to_string()).expect("the port is told");
    std::fs::rename(folder.join("port.new"), folder.join("port")).expect("the port is told");
    // Whoever started it holds the other end.
    let _ = io::stdin().read_to_end(&mut Vec::new());
}

/// The provider's own memory.
struct Books {
    folder: PathBuf,
    kept: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Steps of the scripts that were taken, by method.
    taken: HashMap<String, usize>,
    /// By key: the content's hash, and the answer.
    answers: HashMap<String, (String, u16)>,
}

impl Books {
    fn serve(&self, client: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(&client);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
        let step = self.step(&method);
        if step.cut == Cut::BeforeReading {
            return Ok(());
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let key = ["idempotency-key", "webhook-id"].iter().find_map(|name| headers.get(*name)).cloned().unwrap_or_default();
        let body_sha256 = Sha256::digest(&body).iter().map(|b| format!("{b:02x}")).collect();
        let body = String::from_utf8_lossy(&body).into_owned();
        let call = Call { method, path, headers, key, body, body_sha256, status: step.status, replayed: false };
        let call = self.record(call);
        std::thread::sleep(Duration::from_millis(step.delay_ms));
        if step.cut == Cut::AfterRecording { Ok(()) } else { answer(&client, &call, &step) }
    }

    fn step(&self, method: &str) -> Step {
        let mut memory = self.kept.lock().expect("no panic");
        let taken = memory.taken.entry(method.to_owned()).or_default();
        let step = lines(&self.folder.join(method)).into_iter().nth(*taken);
        *taken += usize::from(step.is_some());
        step.unwrap_or_else(Step::done)
    }

    /// Decides, and writes it down, in one go for all connections.
    fn record(&self, mut call: Call) -> Call {
        let mut memory = self.kept.lock().expect("no panic");
        let id = call.path.rsplit('/').next().unwrap_or_default();
        if call.method == "GET" && call.status == 200 {
            call.status = memory.answers.get(id).map_or(404, |answer| answer.1);
        } else if call.method == "POST" && !call.key.is_empty() {
            match memory.answers.get(&call.key) {
                Some((content, status)) => {
                    call.replayed = true;
                    call.status = if *content == call.body_sha256 { *status } else { 400 };
                }
                // A declined charge is an outcome; what was refused before anything was tried is none.
                None if call.status >= 300 && call.status != 402 => {}
                None => {
                    memory.answers.insert(call.key.clone(), (call.body_sha256.clone(), call.status));
                }
            }
        }
        append(&self.folder.join("calls"), std::slice::from_ref(&call));
        call
    }
}

fn answer(mut client: &TcpStream, call: &Call, step: &Step) -> io::Result<()> {
    let key = if call.method == "GET" { call.path.rsplit('/').next().unwrap_or_default() } else { &call.key };
    let body = serde_json::json!({ "id": format!("fake_{key}"), "status": call.status }).to_string();
    let mut text = format!("HTTP/1.1 {} Scripted\r\n", call.status);
    for (name, value) in &step.headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += &format!("Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    client.write_all(text.as_bytes())
}
