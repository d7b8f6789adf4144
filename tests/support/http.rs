//! A server of HTTP that does as a script says, right or wrong, and remembers what it was asked. It
//! listens on a free port of 127.0.0.1, and ends with the test.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What happens to one request, or to one connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads the request, sends these bytes, and waits for the next request on the same connection.
    Answer(Vec<u8>),
    /// The same, and then closes the connection, with or without having said so.
    AnswerAndClose(Vec<u8>),
    /// Sends these bytes without reading more than the request's head.
    AnswerEarly(Vec<u8>),
    /// Closes the connection at once.
    CutBefore,
    /// Reads the request, then closes the connection.
    CutAfter,
    /// Reads the request, and says nothing until the test ends.
    Hang,
    /// Reads the request, and sends these bytes one by one, with so long between them.
    Drip(Vec<u8>, Duration),
}

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `PUT /books/a.pdf HTTP/1.1`
    pub line: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Step>>,
    seen: Mutex<Vec<Seen>>,
    connections: Mutex<u32>,
    over: AtomicBool,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

/// A whole answer, with the length of its body.
pub fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = (text + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Server {
    /// Each request takes the next step. When they have all been taken, the next ones get a 599.
    pub fn start(script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State { script: Mutex::new(script.into_iter().collect()), ..State::default() });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if shared.over.load(Ordering::SeqCst) {
                    break;
                }
                *lock(&shared.connections) += 1;
                let state = Arc::clone(&shared);
                std::thread::spawn(move || drop(serve(&state, stream)));
            }
        });
        Self { address, state }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// `http://127.0.0.1:PORT/` and this.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Adds steps to the script.
    pub fn then(&self, steps: impl IntoIterator<Item = Step>) {
        lock(&self.state.script).extend(steps);
    }

    /// Puts another script in place of what is left.
    pub fn replace(&self, steps: impl IntoIterator<Item = Step>) {
        *lock(&self.state.script) = steps.into_iter().collect();
    }

    /// What it was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state.seen).clone()
    }

    pub fn connections(&self) -> u32 {
        *lock(&self.state.connections)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // The listener wakes up and sees it.
        let _ = TcpStream::connect(self.address);
    }
}

/// A thread of the server that panicked has failed its test already.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        if matches!(lock(&state.script).front(), Some(Step::CutBefore)) {
            lock(&state.script).pop_front();
            return stream.shutdown(Shutdown::Both);
        }
        let Some(mut seen) = read_head(&mut reader)? else { return Ok(()) };
        let step = lock(&state.script).pop_front().unwrap_or_else(|| Step::AnswerAndClose(answer("599 Script Over", &[], b"")));
        if !matches!(step, Step::AnswerEarly(_)) {
            let length = seen.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            seen.body = vec![0; length];
            reader.read_exact(&mut seen.body)?;
        }
        lock(&state.seen).push(seen);
        match step {
            Step::Answer(bytes) => stream.write_all(&bytes)?,
            Step::AnswerAndClose(bytes) | Step::AnswerEarly(bytes) => {
                stream.write_all(&bytes)?;
                return stream.shutdown(Shutdown::Both);
            }
            Step::CutBefore | Step::CutAfter => return stream.shutdown(Shutdown::Both),
            Step::Hang => {
                while !state.over.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                return Ok(());
            }
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    stream.write_all(&[byte])?;
                    std::thread::sleep(pause);
                }
                return stream.shutdown(Shutdown::Both);
            }
        }
    }
}

/// None at the end of the connection.
fn read_head(reader: &mut impl BufRead) -> std::io::Result<Option<Seen>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
    }
    let header = |line: &String| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers = lines.iter().skip(1).filter_map(header).collect();
    Ok(Some(Seen { line: lines.into_iter().next().unwrap_or_default(), headers, body: Vec::new() }))
}
