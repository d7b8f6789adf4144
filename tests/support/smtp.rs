//! A server of mail that does as a script says, right or wrong, and remembers what it took. It listens
//! on a free port of 127.0.0.1, and ends with the test.
//!
//! Each step of the script belongs to a command, and is taken when that command comes; what has no
//! step is answered as a good server would.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::{HashMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    Connect,
    Ehlo,
    Starttls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// When the first line of a mail has come.
    Body,
    /// When a whole mail has come.
    Dot,
    Rset,
    Noop,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Act {
    /// This answer, without its last line end. One that begins with 2 takes the mail.
    Say(&'static str),
    /// The same, and then the connection is closed.
    SayAndCut(&'static str),
    /// The connection is closed without an answer; a mail is not taken.
    Cut,
    /// The mail is taken, and the connection closed without an answer.
    TakeAndCut,
    /// The mail is taken, and nothing is said until the test ends.
    Hang,
    /// This answer, letter by letter with so long between them.
    Drip(&'static str, Duration),
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// `MAIL FROM:<a@b.example> SIZE=123`
    pub mail: String,
    /// `RCPT TO:<c@d.example>`
    pub rcpt: String,
    /// As it was before dots were doubled.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<HashMap<At, VecDeque<Act>>>,
    ehlo: Mutex<String>,
    commands: Mutex<Vec<String>>,
    taken: Mutex<Vec<Taken>>,
    connections: Mutex<u32>,
    over: AtomicBool,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

impl Server {
    pub fn start(script: impl IntoIterator<Item = (At, Act)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let state = Arc::new(State::default());
        *lock(&state.ehlo) = "250-scripted greets you\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME".to_owned();
        let server = Self { address, state: Arc::clone(&state) };
        server.then(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if state.over.load(Ordering::SeqCst) {
                    break;
                }
                *lock(&state.connections) += 1;
                let state = Arc::clone(&state);
                std::thread::spawn(move || drop(serve(&state, stream)));
            }
        });
        server
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Adds to the script.
    pub fn then(&self, steps: impl IntoIterator<Item = (At, Act)>) {
        let mut script = lock(&self.state.script);
        for (at, act) in steps {
            script.entry(at).or_default().push_back(act);
        }
    }

    /// Puts another script in place of what is left of the one before.
    pub fn replace(&self, steps: impl IntoIterator<Item = (At, Act)>) {
        lock(&self.state.script).clear();
        self.then(steps);
    }

    /// What EHLO answers from now on, where the script says nothing.
    pub fn is_able(&self, ehlo: &str) {
        *lock(&self.state.ehlo) = ehlo.to_owned();
    }

    /// Each line that was a command.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.state.commands).clone()
    }

    /// The mails that it took, and is answerable for.
    pub fn taken(&self) -> Vec<Taken> {
        lock(&self.state.taken).clone()
    }

    /// Lets go of what it took and heard, for tests that go on for long.
    pub fn forget(&self) {
        lock(&self.state.taken).clear();
        lock(&self.state.commands).clear();
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

/// One connection, and the mail that is being told.
struct Talk<'s> {
    state: &'s State,
    stream: TcpStream,
    mail: String,
    rcpt: String,
    /// What was said last, here: other connections talk at the same time.
    said: String,
}

fn serve(state: &State, stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut talk = Talk { state, stream, mail: String::new(), rcpt: String::new(), said: String::new() };
    if !talk.act(At::Connect, "220 scripted ESMTP", None)? {
        return Ok(());
    }
    loop {
        let Some(line) = read_line(&mut reader)? else { return Ok(()) };
        let line = String::from_utf8_lossy(&line).into_owned();
        lock(&state.commands).push(line.clone());
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let ehlo = lock(&state.ehlo).clone();
        let goes_on = match word.as_str() {
            "EHLO" => talk.act(At::Ehlo, &ehlo, None)?,
            "STARTTLS" => talk.act(At::Starttls, "220 go ahead", None)?,
            "MAIL" => {
                talk.mail = line;
                talk.act(At::Mail, "250 2.1.0 Ok", None)?
            }
            "RCPT" => {
                talk.rcpt = line;
                talk.act(At::Rcpt, "250 2.1.5 Ok", None)?
            }
            "DATA" => talk.act(At::Data, "354 End data with <CR><LF>.<CR><LF>", None)?,
            "RSET" => talk.act(At::Rset, "250 2.0.0 Ok", None)?,
            "NOOP" => talk.act(At::Noop, "250 2.0.0 Ok", None)?,
            "QUIT" => {
                talk.stream.write_all(b"221 2.0.0 Bye\r\n")?;
                return talk.stream.shutdown(Shutdown::Both);
            }
            // A word of base64 goes on with it.
            _ => talk.act(At::Auth, "235 2.7.0 Authentication successful", None)?,
        };
        let into_body = goes_on && word == "DATA" && talk.said.starts_with("354");
        if into_body {
            let Some(bytes) = talk.body(&mut reader)? else { return Ok(()) };
            let taken = Taken { mail: talk.mail.clone(), rcpt: talk.rcpt.clone(), bytes };
            if !talk.act(At::Dot, "250 2.0.0 Ok: queued as 4cXyZ1", Some(taken))? {
                return Ok(());
            }
        } else if !goes_on {
            return Ok(());
        }
    }
}

impl Talk<'_> {
    /// Does what the script says. False when the connection ended.
    fn act(&mut self, at: At, good: &str, mail: Option<Taken>) -> std::io::Result<bool> {
        let step = lock(&self.state.script).get_mut(&at).and_then(VecDeque::pop_front);
        let (answer, pause, cuts) = match step {
            None => (good, None, false),
            Some(Act::Say(text)) => (text, None, false),
            Some(Act::SayAndCut(text)) => (text, None, true),
            Some(Act::Drip(text, pause)) => (text, Some(pause), false),
            Some(Act::Cut) => {
                self.stream.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Some(Act::TakeAndCut) => {
                lock(&self.state.taken).extend(mail);
                self.stream.shutdown(Shutdown::Both)?;
                return Ok(false);
            }
            Some(Act::Hang) => {
                lock(&self.state.taken).extend(mail);
                while !self.state.over.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(5));
                }
                return Ok(false);
            }
        };
        // Before it is told: whoever is told and dies at once must find it taken.
        lock(&self.state.taken).extend(mail.filter(|_| answer.starts_with('2')));
        answer.clone_into(&mut self.said);
        let bytes = format!("{answer}\r\n").into_bytes();
        match pause {
            None => self.stream.write_all(&bytes)?,
            Some(pause) => {
                for byte in bytes {
                    self.stream.write_all(&[byte])?;
                    std::thread::sleep(pause);
                }
            }
        }
        if cuts {
            self.stream.shutdown(Shutdown::Both)?;
        }
        Ok(!cuts)
    }

    /// The lines until the dot; none when the connection ended before.
    fn body(&mut self, reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        loop {
            let Some(line) = read_line(reader)? else { return Ok(None) };
            if line == b"." {
                return Ok(Some(bytes));
            }
            bytes.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            bytes.extend_from_slice(b"\r\n");
            let first = lock(&self.state.script).get_mut(&At::Body).and_then(VecDeque::pop_front);
            match first {
                None => {}
                Some(Act::SayAndCut(text)) => {
                    self.stream.write_all(format!("{text}\r\n").as_bytes())?;
                    self.stream.shutdown(Shutdown::Both)?;
                    return Ok(None);
                }
                Some(_) => {
                    self.stream.shutdown(Shutdown::Both)?;
                    return Ok(None);
                }
            }
        }
    }
}

/// Without its end; none at the end of the connection.
fn read_line(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\r\n") {
        return Ok(None);
    }
    line.truncate(line.len() - 2);
    Ok(Some(line))
}
