//! A bad line to Postgres: a proxy that understands just enough of the frontend protocol (message
//! types and lengths, PostgreSQL manual 54.7) to cut or stall the n-th round trip at a chosen moment.
//!
//! A round trip is what the client waits for: a simple query, or messages up to a Sync. Their names
//! are kept, so that a test finds the places to cut by an undisturbed run. Speaks no TLS.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What happens to a round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Both sides are cut before the server has it.
    NotSent,
    /// The server has done it and answered; both sides are cut before the client hears it.
    AnswerLost,
    /// The client is cut off at once, and the server gets it so much later: what the client does
    /// meanwhile meets a transaction that still goes on.
    Late(Duration),
    /// It takes so much longer.
    Stalled(Duration),
}

/// One fault of a run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The round trip, from 1, over all connections.
    pub at: usize,
    pub fault: Fault,
    /// How long new connections are refused afterwards.
    pub refused_for: Duration,
}

pub struct Proxy {
    url: String,
    line: Arc<Line>,
    port: u16,
}

struct Line {
    server: u16,
    state: Mutex<State>,
    closed: AtomicBool,
}

#[derive(Default)]
struct State {
    plans: Vec<Plan>,
    trips: Vec<String>,
    refused_until: Option<Instant>,
}

impl Proxy {
    /// In front of the server of a URL, with faults to come.
    pub fn start(url: &str, plans: &[Plan]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (before, database) = url.rsplit_once('/').expect("a database");
        let (who, server) = before.rsplit_once(':').expect("a port");
        let state = State { plans: plans.to_vec(), ..State::default() };
        let line =
            Arc::new(Line { server: server.parse().expect("a port"), state: Mutex::new(state), closed: AtomicBool::new(false) });
        let accepting = Arc::clone(&line);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                if !accepting.refuses() {
                    let line = Arc::clone(&accepting);
                    thread::spawn(move || line.connect(client));
                }
            }
        });
        Self { url: format!("{who}:{port}/{database}?sslmode=disable"), line, port }
    }

    /// For `--database`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The round trips until now: `BEGIN`, `prepare SELECT …`, `run SELECT …`.
    pub fn trips(&self) -> Vec<String> {
        self.line.state.lock().expect("no panic").trips.clone()
    }

    /// Whether every planned fault has come to pass.
    pub fn has_struck(&self) -> bool {
        self.line.state.lock().expect("no panic").plans.is_empty()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.line.closed.store(true, Ordering::SeqCst);
        // Wakes the listener, which then ends.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Line {
    fn refuses(&self) -> bool {
        let until = self.state.lock().expect("no panic").refused_until;
        until.is_some_and(|until| Instant::now() < until)
    }

    fn connect(&self, client: TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let answers_lost = AtomicBool::new(false);
        let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
        thread::scope(|scope| {
            scope.spawn(|| {
                let _ = answers(&server, &client, &answers_lost);
                cut(&client);
                cut(&server);
            });
            let _ = self.requests(&client, &server, &answers_lost);
            // Whoever waits for the lost answer cuts both.
            if !answers_lost.load(Ordering::SeqCst) {
                cut(&client);
                cut(&server);
            }
        });
    }

    /// Passes round trips on, until one is cut.
    fn requests(&self, mut client: &TcpStream, mut server: &TcpStream, answers_lost: &AtomicBool) -> io::Result<()> {
        let startup = frame(client, Vec::new())?;
        server.write_all(&startup)?;
        let mut names = Names::default();
        let mut group = Vec::new();
        loop {
            let mut kind = [0];
            client.read_exact(&mut kind)?;
            let message = frame(client, kind.to_vec())?;
            names.hear(&message);
            group.extend(message);
            let name = if matches!(kind[0], b'Q' | b'S') { names.take() } else { String::new() };
            // The farewell to a prepared statement is none: nobody waits for its answer.
            let planned = if name.is_empty() { None } else { self.count(name) };
            match planned {
                Some(Fault::NotSent) => return Ok(()),
                Some(Fault::AnswerLost) => answers_lost.store(true, Ordering::SeqCst),
                Some(Fault::Late(time)) => {
                    answers_lost.store(true, Ordering::SeqCst);
                    cut(client);
                    thread::sleep(time);
                }
                Some(Fault::Stalled(time)) => thread::sleep(time),
                // A group that is not whole waits for its end; a farewell has none.
                None if !matches!(kind[0], b'Q' | b'S' | b'X' | b'p') => continue,
                None => {}
            }
            server.write_all(&group)?;
            group.clear();
            if answers_lost.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    fn count(&self, name: String) -> Option<Fault> {
        let mut state = self.state.lock().expect("no panic");
        state.trips.push(name);
        let at = state.trips.len();
        let place = state.plans.iter().position(|plan| plan.at == at)?;
        let plan = state.plans.remove(place);
        state.refused_until = Some(Instant::now() + plan.refused_for);
        Some(plan.fault)
    }
}

/// Passes answers on; one that is to be lost is read to its end (ReadyForQuery), so that the server
/// has done what it was asked, and goes nowhere.
fn answers(mut server: &TcpStream, mut client: &TcpStream, lost: &AtomicBool) -> io::Result<()> {
    loop {
        let mut kind = [0];
        server.read_exact(&mut kind)?;
        let message = frame(server, kind.to_vec())?;
        if !lost.load(Ordering::SeqCst) {
            client.write_all(&message)?;
        } else if kind[0] == b'Z' {
            return Ok(());
        }
    }
}

/// The rest of a message: its length, which counts itself, and so many bytes.
fn frame(mut from: &TcpStream, mut message: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let start = message.len() + 4;
    message.extend(length);
    message.resize(start + u32::from_be_bytes(length) as usize - 4, 0);
    from.read_exact(&mut message[start..])?;
    Ok(message)
}

fn cut(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

/// What the round trips of a connection are about.
#[derive(Default)]
struct Names {
    /// By the client's own name of a prepared statement.
    prepared: HashMap<String, String>,
    now: String,
}

impl Names {
    fn hear(&mut self, message: &[u8]) {
        let mut texts = message[5..].split(|b| *b == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        match message[0] {
            b'Q' => self.now = texts.next().unwrap_or_default(),
            b'P' => {
                let (name, sql) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
                self.now = format!("prepare {sql}");
                self.prepared.insert(name, sql);
            }
            // A portal, then a statement.
            b'B' => {
                let sql = texts.nth(1).and_then(|name| self.prepared.get(&name)).cloned().unwrap_or_default();
                self.now = format!("run {sql}");
            }
            _ => {}
        }
    }

    fn take(&mut self) -> String {
        std::mem::take(&mut self.now)
    }
}
