//! A Postgres server that the tests start themselves: one a test process, in a temporary folder, on
//! a free port, with every promise of durability switched off.
//!
//! The server is the child of a watchdog: a shell that waits for the end of a pipe which only this
//! process holds open. However the tests end (kill -9 too), the pipe closes, and the shell stops the
//! server and removes its folder.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where distributions put the server's programs, besides the path.
const PLACES: [&str; 3] = ["/usr/lib/postgresql", "/usr/local/pgsql", "/usr/local"];

const WATCHDOG: &str = "trap '' INT TERM HUP
folder=$1; shift
\"$@\" </dev/null >>\"$folder/log\" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT $server; wait $server
rm -rf \"$folder\"";

/// A running server.
pub struct Server {
    port: u16,
    folder: PathBuf,
    /// Holds the pipe.
    _watchdog: Child,
}

/// The server of this process; None when Postgres is not installed here, which is said loudly.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| start(&[], |_| {})).as_ref()
}

/// Starts a server of one's own, with more settings; `prepare` sees its folder before.
pub fn start(settings: &[&str], prepare: impl Fn(&Path)) -> Option<Server> {
    let Some(programs) = programs() else {
        missing();
        return None;
    };
    let folder = tempfile::Builder::new().prefix("finops-postgres-").tempdir().expect("a temporary folder").keep();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).expect("its mode");
    let owner = owner();
    if let Some((uid, gid)) = owner {
        std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).expect("its owner");
    }
    init(&programs, &folder, owner);
    prepare(&folder);
    if let Some((uid, gid)) = owner {
        for file in std::fs::read_dir(&folder).expect("the folder") {
            std::os::unix::fs::chown(file.expect("a file").path(), Some(uid), Some(gid)).expect("its owner");
        }
    }
    // Another process may take the port between our look and the server's.
    for _ in 0..5 {
        if let Some(server) = launch(&programs, &folder, owner, settings) {
            return Some(server);
        }
    }
    panic!("Postgres does not start: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
}

/// A database collated as people sort, not by bytes, so that a statement which forgets its
/// collation shows.
fn init(programs: &Path, folder: &Path, owner: Option<(u32, u32)>) {
    let data = folder.join("data");
    let common = ["--username=finops", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-instructions", "--locale=C"];
    let icu = ["--locale-provider=icu", "--icu-locale=en-US"];
    let run = |more: &[&str]| -> Output {
        let mut command = command(programs.join("initdb"), owner);
        command.args(common).args(more).arg("-D").arg(&data).output().expect("initdb runs")
    };
    if !run(&icu).status.success() {
        let _ = std::fs::remove_dir_all(&data);
        let plain = run(&[]);
        assert!(plain.status.success(), "initdb: {}", String::from_utf8_lossy(&plain.stderr));
    }
}

#[allow(clippy::zombie_processes, reason = "the watchdog lives as long as the tests, and a panic ends them")]
fn launch(programs: &Path, folder: &Path, owner: Option<(u32, u32)>, settings: &[&str]) -> Option<Server> {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
    let fixed = [
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_connections=200",
        "shared_buffers=32MB",
        "jit=off",
    ];
    let mut shell = command(PathBuf::from("/bin/sh"), owner);
    shell.args(["-c", WATCHDOG, "finops-tests"]).arg(folder).arg(programs.join("postgres"));
    shell.arg("-D").arg(folder.join("data")).args(["-p", &port.to_string()]);
    for setting in fixed.iter().chain(settings) {
        shell.args(["-c", setting]);
    }
    let mut watchdog =
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a shell");
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        if connect(port, "postgres").is_ok() {
            return Some(Server { port, folder: folder.to_owned(), _watchdog: watchdog });
        }
        let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("could not bind") || log.contains("FATAL:  could not create") {
            // Without its pipe the watchdog removes the folder, so it must go first.
            let _ = watchdog.kill();
            let _ = watchdog.wait();
            let _ = std::fs::write(folder.join("log"), "");
            return None;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    panic!("Postgres does not answer: {}", std::fs::read_to_string(folder.join("log")).unwrap_or_default());
}

fn connect(port: u16, database: &str) -> Result<::postgres::Client, ::postgres::Error> {
    let url = format!("postgres://finops@127.0.0.1:{port}/{database}?sslmode=disable&connect_timeout=5");
    ::postgres::Client::connect(&url, ::postgres::NoTls)
}

impl Server {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://finops@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection past `finops`, for what a test itself wants to know or to break.
    pub fn client(&self, database: &str) -> ::postgres::Client {
        connect(self.port, database).expect("a connection to the test server")
    }

    /// A new database: empty, or a copy of another, which nobody may be using.
    pub fn create(&self, copy_of: Option<&str>) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        // A file copy is the quicker one while nothing is synced.
        let template = copy_of.unwrap_or("template0");
        admin(&mut self.client("postgres"), &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"));
        name
    }

    pub fn drop(&self, database: &str) {
        admin(&mut self.client("postgres"), &format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
    }
}

/// What databases for tests are made on.
pub trait Host: Sync {
    fn create(&self, copy_of: Option<&str>) -> String;
    fn drop(&self, database: &str);
    fn url(&self, database: &str) -> String;
    /// A connection past `finops`.
    fn client(&self, database: &str) -> ::postgres::Client;
}

impl Host for Server {
    fn create(&self, copy_of: Option<&str>) -> String {
        Self::create(self, copy_of)
    }

    fn drop(&self, database: &str) {
        Self::drop(self, database);
    }

    fn url(&self, database: &str) -> String {
        Self::url(self, database)
    }

    fn client(&self, database: &str) -> ::postgres::Client {
        Self::client(self, database)
    }
}

pub fn admin(client: &mut ::postgres::Client, sql: &str) {
    client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

fn command(program: PathBuf, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

/// Postgres refuses to run as root: then it runs as another user of the system.
fn owner() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").map(|m| m.uid()).unwrap_or(1) != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = users.lines().find(|l| l.split(':').next() == Some(name))?;
        let fields: Vec<&str> = line.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    Some(find("postgres").or_else(|| find("nobody")).expect("a user other than root"))
}

/// The folder with `initdb` and `postgres`: the newest version that is installed, or the path's.
fn programs() -> Option<PathBuf> {
    let mut folders: Vec<(u32, PathBuf)> = Vec::new();
    for place in PLACES {
        folders.push((0, Path::new(place).join("bin")));
        for version in std::fs::read_dir(place).into_iter().flatten().flatten() {
            let number = version.file_name().to_str().and_then(|n| n.parse().ok());
            folders.extend(number.map(|n| (n, version.path().join("bin"))));
        }
    }
    #[expect(clippy::disallowed_methods, reason = "a test looks for programs where the shell would")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.sort_by_key(|f| std::cmp::Reverse(f.0));
    let folders = folders.into_iter().map(|f| f.1).chain(std::env::split_paths(&path));
    folders.into_iter().find(|f| f.join("initdb").is_file() && f.join("postgres").is_file())
}

/// Past the capture of the test harness, since a half that is not tested must not go unseen.
fn missing() {
    #[expect(clippy::disallowed_methods, reason = "CI asks for the whole")]
    let required = std::env::var_os("FINOPS_REQUIRE_POSTGRES").is_some_and(|v| !v.is_empty() && v != "0");
    let text = "Postgres is NOT tested: its server is not installed here. Install it with: apt-get install postgresql";
    assert!(!required, "{text}");
    let _ = writeln!(std::io::stderr(), "\n*** {text} ***\n");
}
