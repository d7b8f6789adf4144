//! The bytes to and from a server of mail: one TCP connection, in plain or in TLS, where each step has
//! an end in time however slowly the other side drips.
//!
//! lettre's own connection hides its socket: it can neither set such an end, nor switch off Nagle's
//! algorithm (which with delayed acknowledgements costs 40 ms a mail, as measured), nor tell what was sent when it
//! broke. So the socket is here, and lettre writes the mails.

use super::reply::Reply;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// So much is written at a time.
const BLOCK: usize = 64 * 1024;

/// A connection is given up that takes less than this in a second.
const SLOWEST: usize = 16 * 1024;

/// The addresses of a host, within a time that the system's resolver does not have by itself.
pub fn resolve(host: &str, port: u16, within: Duration) -> io::Result<Vec<SocketAddr>> {
    let (tell, told) = mpsc::channel();
    let target = (host.to_owned(), port);
    // It ends by itself when the resolver does, and nobody waits for it then.
    std::thread::spawn(move || tell.send(target.to_socket_addrs().map(Vec::from_iter)));
    told.recv_timeout(within).map_err(|_| io::Error::from(ErrorKind::TimedOut))?
}

/// An open connection.
pub struct Wire {
    stream: Stream,
    /// Read, and not yet taken.
    read: Vec<u8>,
}

enum Stream {
    Plain(Timed),
    Tls(Box<StreamOwned<ClientConnection, Timed>>),
    /// TLS could not be begun.
    Gone,
}

/// A socket of which each read and write ends at the same instant.
struct Timed {
    socket: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(Some(left)),
        }
    }
}

/// On Linux a read that takes too long "would block".
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock { ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(self.left()?)?;
        self.socket.read(buffer).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(self.left()?)?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

impl Wire {
    /// To the first of the addresses that answers.
    pub fn open(addresses: &[SocketAddr], within: Duration) -> io::Result<Self> {
        let until = Instant::now() + within;
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        for address in addresses {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            match TcpStream::connect_timeout(address, left) {
                Ok(socket) => {
                    socket.set_nodelay(true)?;
                    return Ok(Self { stream: Stream::Plain(Timed { socket, until }), read: Vec::new() });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Goes on in TLS, once the server's certificate was verified.
    pub fn encrypt(&mut self, config: &Arc<ClientConfig>, name: ServerName<'static>, within: Duration) -> io::Result<()> {
        if !self.read.is_empty() {
            // It was sent in plain, by whoever, and must not be taken for what comes in TLS.
            return Err(io::Error::new(ErrorKind::InvalidData, "something was sent in plain where TLS was to begin"));
        }
        let Stream::Plain(mut socket) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(ErrorKind::Unsupported.into());
        };
        socket.until = Instant::now() + within;
        let mut connection = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        self.stream = Stream::Tls(Box::new(StreamOwned::new(connection, socket)));
        Ok(())
    }

    pub const fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Writes all of it, at no less than 16 KiB a second beyond the given time.
    pub fn write(&mut self, bytes: &[u8], within: Duration) -> io::Result<()> {
        let seconds = u64::try_from(bytes.len() / SLOWEST).unwrap_or(u64::MAX);
        self.wait(within.saturating_add(Duration::from_secs(seconds)));
        let stream = self.both()?;
        for block in bytes.chunks(BLOCK) {
            stream.write_all(block)?;
        }
        stream.flush()
    }

    /// One whole answer.
    pub fn reply(&mut self, within: Duration) -> io::Result<Reply> {
        self.wait(within);
        loop {
            let strange = |what| io::Error::new(ErrorKind::InvalidData, what);
            if let Some(reply) = Reply::take(&mut self.read).map_err(strange)? {
                return Ok(reply);
            }
            let mut buffer = [0; 4096];
            match self.both()?.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => self.read.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn wait(&mut self, within: Duration) {
        let until = Instant::now() + within;
        match &mut self.stream {
            Stream::Plain(socket) => socket.until = until,
            Stream::Tls(stream) => stream.sock.until = until,
            Stream::Gone => {}
        }
    }

    fn both(&mut self) -> io::Result<&mut dyn ReadWrite> {
        match &mut self.stream {
            Stream::Plain(socket) => Ok(socket),
            Stream::Tls(stream) => Ok(stream.as_mut()),
            Stream::Gone => Err(ErrorKind::NotConnected.into()),
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}
