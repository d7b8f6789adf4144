//! A real server of mail that the tests start themselves: Debian's Postfix, with Dovecot for passwords.
//! One a test process, in a temporary folder, on free ports of 127.0.0.1; it needs root.
//!
//! It takes mail for `customer.example` and `xn--klte-loa.example` (kälte.example) into a Maildir for
//! each of [`MAILBOXES`], encrypted by STARTTLS or from the first byte, from whoever signs in as
//! `billing` after that; some recipients are always refused ([`REFUSED`]). Nothing leaves the machine.
//!
//! Both servers are children of a watchdog: a shell that waits for the end of a pipe which only this
//! process holds open. However the tests end (kill -9 too), the shell stops them and removes the folder.

#![allow(dead_code, reason = "each test target uses a part of it")]

use crate::peers;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

pub const USER: &str = "billing";
pub const PASSWORD: &str = "canary-4711";

/// A mail may have so many bytes.
pub const SIZE_LIMIT: usize = 3_000_000;

/// The parts before `@customer.example`; each test reads one of its own.
pub const MAILBOXES: [&str; 12] =
    ["jane", "john", "office", "jörg", "many", "threads", "again", "killed", "plain", "implicit", "a", "b"];

/// Refused by name, and how.
pub const REFUSED: [(&str, &str); 4] = [
    ("blocked@customer.example", "550 5.7.1 blocked"),
    ("greylisted@customer.example", "450 4.2.0 Greylisted, try again in 300 seconds"),
    ("full@customer.example", "452 4.2.2 Mailbox full"),
    ("closed@customer.example", "550 5.2.1 Mailbox disabled"),
];

const WATCHDOG: &str = "trap '' INT TERM HUP
folder=$1; postfix=$2; dovecot=$3
\"$dovecot\" -F -c \"$folder/dovecot.conf\" </dev/null >>\"$folder/out\" 2>&1 &
\"$postfix\" -c \"$folder/etc\" start-fg </dev/null >>\"$folder/out\" 2>&1 &
cat >/dev/null
\"$postfix\" -c \"$folder/etc\" abort >/dev/null 2>&1
kill $(cat \"$folder/run/master.pid\") 2>/dev/null
wait
rm -rf \"$folder\"";

/// An authority, and a certificate of it for this machine.
const CERTIFICATES: &str = "set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=mail -keyout mail.key -out mail.csr
printf 'subjectAltName=IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > extensions
openssl x509 -req -days 2 -in mail.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile extensions -out mail.crt";

/// A running server.
pub struct Postfix {
    /// STARTTLS.
    pub port: u16,
    /// TLS from the first byte.
    pub tls_port: u16,
    /// As the first, but without more than three mails a minute.
    pub slow_port: u16,
    /// In plain, without a password: a sink.
    pub plain_port: u16,
    folder: PathBuf,
    /// Holds the pipe.
    _watchdog: Child,
}

/// The server of this process; None when it cannot run here, which is said loudly.
pub fn server() -> Option<&'static Postfix> {
    static SERVER: OnceLock<Option<Postfix>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref()
}

impl Postfix {
    /// The authority, in PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.crt")
    }

    /// Where the mails of an address lie.
    pub fn maildir(&self, mailbox: &str) -> PathBuf {
        self.folder.join("mail").join(mailbox)
    }

    /// The mails that have arrived there, read by Python's `email` (RFC 5322 as others know it), once
    /// there are so many; a few more moments are given to any that should not come.
    pub fn arrived(&self, mailbox: &str, count: usize) -> Vec<serde_json::Value> {
        let folder = self.maildir(mailbox);
        let files = || std::fs::read_dir(folder.join("new")).map_or(0, Iterator::count);
        let deadline = Instant::now() + Duration::from_secs(30);
        while files() < count {
            assert!(Instant::now() < deadline, "{} of {count} mails to {mailbox} arrived: {}", files(), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        read(&folder)
    }

    /// Mails that are still on their way.
    pub fn is_idle(&self) -> bool {
        ["incoming", "active", "deferred"].iter().all(|queue| {
            let folder = self.folder.join("queue").join(queue);
            let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten();
            !files.any(|file| file.file_type().is_ok_and(|kind| kind.is_file()))
        })
    }

    /// Kills the processes that speak with the clients of a port, as in a server that crashes: those who
    /// are connected lose their connection, and new ones are let in.
    pub fn kill_conversations(&self, port: u16) {
        let master = std::fs::read_to_string(self.folder.join("queue/pid/master.pid")).expect("its pid");
        let mut pkill = Command::new("pkill");
        let done = pkill.args(["-KILL", "-P", master.trim(), "-f", &format!("smtpd -n 127.0.0.1:{port} ")]).status();
        assert!(done.expect("pkill runs").success(), "there was no conversation");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// Each mail in a Maildir: its headers decoded, its parts with their bytes in hexadecimal, what is
/// wrong with it, and its raw bytes.
const READ: &str = "
import email, email.policy, hashlib, json, mailbox, sys
told = []
for path in sorted((__import__('pathlib').Path(sys.argv[1]) / 'new').iterdir()):
    raw = path.read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    parts = []
    for part in message.walk():
        if part.is_multipart():
            continue
        payload = part.get_payload(decode=True)
        kind = part.get_content_type()
        text = part.get_content() if kind.startswith('text/') else ''
        parts.append({'type': kind, 'filename': part.get_filename(), 'text': text,
                      'sha256': hashlib.sha256(payload).hexdigest(), 'bytes': len(payload),
                      'encoding': part['content-transfer-encoding'], 'disposition': part.get_content_disposition()})
    defects = [repr(d) for p in message.walk() for d in p.defects] + [repr(d) for v in message.values() for d in getattr(v, 'defects', [])]
    told.append({'headers': {k.lower(): str(v) for k, v in message.items()}, 'names': [k.lower() for k in message.keys()],
                 'structure': [p.get_content_type() for p in message.walk()], 'parts': parts, 'defects': defects,
                 'longest': max(len(line) for line in raw.split(b'\\n')), 'raw': raw.decode('utf-8', 'replace'), 'ascii': raw.isascii()})
print(json.dumps(told))
";

fn read(folder: &Path) -> Vec<serde_json::Value> {
    let python = peers::find("FINOPS_PEER_PYTHON", "python3", "apt-get install python3").expect("Python, which reads the mails");
    let output = Command::new(python).args(["-c", READ]).arg(folder).output().expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn start() -> Option<Postfix> {
    let install = "apt-get install postfix dovecot-core";
    let postfix = find("FINOPS_PEER_POSTFIX", "postfix", install)?;
    let dovecot = find("FINOPS_PEER_DOVECOT", "dovecot", install)?;
    if std::fs::metadata("/proc/self").map(|meta| meta.uid()).unwrap_or(1) != 0 {
        missing("Postfix is not here (it needs root), so what it proves is NOT TESTED");
        return None;
    }
    // Another process may take a port between our look and the server's.
    for _ in 0..5 {
        if let Some(server) = launch(&postfix, &dovecot) {
            return Some(server);
        }
    }
    panic!("Postfix does not start");
}

/// Servers lie where the path of a user need not lead.
fn find(variable: &str, program: &str, install: &str) -> Option<PathBuf> {
    let usual = Path::new("/usr/sbin").join(program);
    if usual.is_file() { Some(usual) } else { peers::find(variable, program, install) }
}

fn missing(text: &str) {
    #[expect(clippy::disallowed_methods, reason = "CI asks for the whole")]
    let required = std::env::var_os("FINOPS_REQUIRE_PEERS").is_some_and(|v| !v.is_empty() && v != "0");
    assert!(!required, "{text}");
    let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
}

fn launch(postfix: &Path, dovecot: &Path) -> Option<Postfix> {
    let folder = tempfile::Builder::new().prefix("finops-postfix-").tempdir().expect("a temporary folder").keep();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("its mode");
    let free: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let ports: Vec<u16> = free.iter().map(|listener| listener.local_addr().expect("its address").port()).collect();
    drop(free);
    prepare(&folder, &ports);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", WATCHDOG, "finops-tests"]).arg(&folder).arg(postfix).arg(dovecot);
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let watchdog = shell.spawn().expect("a shell");
    let server =
        Postfix { port: ports[0], tls_port: ports[1], slow_port: ports[2], plain_port: ports[3], folder, _watchdog: watchdog };
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok()) {
            return Some(server);
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    let out = std::fs::read_to_string(server.folder.join("out")).unwrap_or_default();
    let _ = writeln!(std::io::stderr(), "Postfix does not answer: {out}{}", server.log());
    None
}

fn prepare(folder: &Path, ports: &[u16]) {
    let mut openssl = Command::new("/bin/sh");
    openssl.args(["-c", CERTIFICATES]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(openssl.status().expect("a shell").success(), "this test needs the program openssl");
    for name in ["etc", "queue", "data", "mail", "run"] {
        std::fs::create_dir(folder.join(name)).expect("a folder");
    }
    let (postfix, nobody) = (user("postfix"), user("nobody"));
    std::os::unix::fs::chown(folder.join("data"), Some(postfix.0), Some(postfix.1)).expect("its owner");
    std::os::unix::fs::chown(folder.join("mail"), Some(nobody.0), Some(nobody.1)).expect("its owner");
    let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
    let boxes = |domain: &str| MAILBOXES.iter().map(|name| format!("{name}@{domain} {name}/\n")).collect::<String>();
    write("etc/mailboxes", boxes("customer.example") + &boxes("xn--klte-loa.example"));
    write("etc/refused", REFUSED.iter().map(|(address, answer)| format!("{address} {answer}\n")).collect());
    write("etc/main.cf", main_cf(folder, ports[4], nobody));
    write("etc/master.cf", master_cf(ports));
    write("users", format!("{USER}:{{PLAIN}}{PASSWORD}::::::\n"));
    write("dovecot.conf", dovecot_conf(folder, ports[4]));
}

fn main_cf(folder: &Path, auth_port: u16, (uid, gid): (u32, u32)) -> String {
    let folder = folder.display();
    format!(
        "compatibility_level = 3.6
myhostname = mail.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
alias_maps =
local_transport = error:no local mail
default_transport = error:nothing leaves this machine
virtual_mailbox_domains = customer.example, xn--klte-loa.example
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/etc/mailboxes
virtual_mailbox_limit = 0
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
message_size_limit = {SIZE_LIMIT}
smtpd_tls_cert_file = {folder}/mail.crt
smtpd_tls_key_file = {folder}/mail.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth_port}
smtpd_sasl_security_options = noanonymous
smtpd_sasl_auth_enable = yes
smtpd_error_sleep_time = 0
smtpd_client_restrictions = permit_sasl_authenticated, reject
smtpd_delay_reject = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/etc/refused
smtputf8_enable = yes
"
    )
}

fn master_cf(ports: &[u16]) -> String {
    let [starttls, tls, slow, plain] = [ports[0], ports[1], ports[2], ports[3]].map(|port| format!("127.0.0.1:{port}"));
    format!(
        "{starttls} inet n - n - - smtpd
{tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
{slow} inet n - n - - smtpd
  -o smtpd_client_message_rate_limit=3
  -o smtpd_client_event_limit_exceptions=
{plain} inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=no
  -o smtpd_client_restrictions=
  -o smtpd_tls_security_level=none
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000? 1 tlsmgr
virtual unix - n n - - virtual
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
"
    )
}

fn dovecot_conf(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"
    )
}

fn user(name: &str) -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = users.lines().find(|line| line.split(':').next() == Some(name)).unwrap_or_else(|| panic!("no user {name}"));
    let mut fields = line.split(':').skip(2).map(|field| field.parse().expect("a number"));
    (fields.next().expect("a uid"), fields.next().expect("a gid"))
}
