//! The real binary with `jethub serve`, in a directory of its own, on a free port.
//!
//! `Hub::start()` for the defaults, `Hub::with(&[("section.key", "value")])` for other settings.
//! Tokens are signed here with the hub's secret ([`Hub::token`]). The hub is killed when the value is
//! dropped, and also when the tests end in any other way.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

use jethub::{
    auth::{NewToken, sign},
    clock::Clock,
    config::Secret,
};
use serde_json::Value;

use super::{
    Http, Reply,
    database::{Database, Kind},
    expect::{SOON, eventually},
};

/// Longest start, on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The own secret of every hub of the tests.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A token of that user, with memberships; `platform_admin` for operators.
pub fn token(user: &str, tenants: &[(&str, &str)], platform_admin: bool) -> String {
    let token = NewToken {
        sub: user.to_owned(),
        email: None,
        tenants: tenants.iter().map(|(tenant, role)| ((*tenant).to_owned(), (*role).to_owned())).collect(),
        platform_admin,
    };
    let hour = Duration::from_secs(3600);
    sign(&Secret::new(SECRET.to_owned()), &token, Clock::real().now(), hour).unwrap()
}

/// A hub that runs.
pub struct Hub {
    pub address: SocketAddr,
    child: Child,
    watcher: Child,
    dir: Option<Place>,
    path: PathBuf,
    settings: Vec<(String, String)>,
}

/// What is thrown away at the end, after the hub.
type Place = (tempfile::TempDir, Option<Database>);

/// An address whose port no outgoing connection gets: a client that comes back while the hub is down
/// could take it, and the hub could not start again.
fn free_address() -> SocketAddr {
    loop {
        let random = uuid::Uuid::new_v4().as_u128() % 20_000;
        let address = SocketAddr::from(([127, 0, 0, 1], 10_000 + u16::try_from(random).unwrap()));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Hub {
    /// With the defaults.
    #[track_caller]
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With settings as `("section.key", "value")`.
    #[track_caller]
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let mut settings: Vec<(String, String)> =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        // The same tests on the other database: TEST_DATABASE=postgresql.
        let elsewhere = std::env::var("TEST_DATABASE").is_ok_and(|name| name == "postgresql");
        let database = (elsewhere && settings.iter().all(|(name, _)| name != "database.url"))
            .then(|| Database::new(Kind::Postgresql));
        if let Some(url) = database.as_ref().and_then(Database::url) {
            settings.push(("database.url".to_owned(), url.to_owned()));
        }
        Self::launch(Some((dir, database)), path, settings)
    }

    #[track_caller]
    fn launch(dir: Option<Place>, path: PathBuf, settings: Vec<(String, String)>) -> Self {
        let (child, address) = serve(&path, &settings, free_address());
        let watcher = watch(child.id());
        let Some(address) = address else {
            let said = fs::read_to_string(path.join("log")).unwrap_or_default();
            panic!("the hub did not start: {said}");
        };
        Self { address, child, watcher, dir, path, settings }
    }

    /// Ends it by SIGKILL, if it still runs, and starts it on the same files and the same address,
    /// with more settings. False when it ended before it listened ([`Self::ended`] tells how).
    pub fn again(&mut self, settings: &[(&str, &str)]) -> bool {
        self.kill();
        for (name, value) in settings {
            self.settings.retain(|(known, _)| known != name);
            self.settings.push(((*name).to_owned(), (*value).to_owned()));
        }
        let (child, address) = serve(&self.path, &self.settings, self.address);
        (self.watcher, self.child) = (watch(child.id()), child);
        address.is_some()
    }

    /// Ends it by SIGKILL.
    pub fn kill(&mut self) {
        // The watcher first: the number of an ended process may be another's soon.
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its state directory (the parent of it).
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it logged so far, over all its lives.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path.join("log")).unwrap()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    #[track_caller]
    pub fn http(&self) -> Http {
        Http::connect(self.address)
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = Vec::new();
        if let Some(value) = &authorization {
            headers.push(("authorization", value.as_str()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        self.http().request(method, path, &headers, body.as_bytes())
    }

    /// A GET that must succeed.
    #[track_caller]
    pub fn get(&self, path: &str, token: &str) -> Value {
        let reply = self.request("GET", path, Some(token), None);
        assert_eq!(reply.status, 200, "GET {path}: {}", reply.text());
        reply.json()
    }

    /// A POST that must succeed.
    #[track_caller]
    pub fn post(&self, path: &str, token: &str, body: &Value) -> Value {
        let reply = self.request("POST", path, Some(token), Some(body));
        assert!((200..300).contains(&reply.status), "POST {path}: {} {}", reply.status, reply.text());
        reply.json()
    }

    /// A command with the same settings: `hub.jethub(&["tenant", "list"])`.
    pub fn jethub(&self, arguments: &[&str]) -> Output {
        command(&self.path, &self.settings).args(arguments).output().unwrap()
    }

    /// Sends it a signal by name (`TERM`, `STOP` …).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// How it ended, if it has.
    pub fn exit(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let child = &mut self.child;
        eventually("the hub ends", within, || child.try_wait().unwrap())
    }

    /// SIGTERM, and its end.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.ended(Duration::from_secs(30))
    }

    /// Ends it by SIGKILL and starts another on the same files.
    #[track_caller]
    pub fn crash_and_restart(mut self) -> Self {
        self.signal("KILL");
        self.ended(SOON);
        self.restart()
    }

    /// Starts another on the same files; this one has ended.
    #[track_caller]
    pub fn restart(mut self) -> Self {
        let (dir, path, settings) = (self.dir.take(), self.path.clone(), self.settings.clone());
        drop(self);
        Self::launch(dir, path, settings)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking()
            && let Ok(log) = fs::read_to_string(self.path.join("log"))
        {
            eprintln!("--- log of the hub\n{log}---");
        }
    }
}

/// Starts it; its address, or none when it ended before it listened.
fn serve(path: &Path, settings: &[(String, String)], at: SocketAddr) -> (Child, Option<SocketAddr>) {
    let mut command = command(path, settings);
    let log = fs::File::options().create(true).append(true).open(path.join("log")).unwrap();
    command.args(["serve", "--listen", &at.to_string()]).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().expect("jethub starts");
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (send, first) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = out.read_line(&mut line);
        let _ = send.send(line);
        // Nothing more is printed, but the pipe must not fill.
        out.read_to_end(&mut Vec::new())
    });
    let line = first.recv_timeout(START).unwrap_or_default();
    (child, line.trim().strip_prefix("listening on http://").and_then(|text| text.parse().ok()))
}

/// The binary, with settings and a state directory in `path`.
pub fn command(path: &Path, settings: &[(String, String)]) -> Command {
    // TEST_HUB: another build of the hub.
    let program = std::env::var_os("TEST_HUB").unwrap_or_else(|| env!("CARGO_BIN_EXE_jethub").into());
    let mut command = Command::new(program);
    command.current_dir(path).env_clear().stdin(Stdio::null());
    for name in ["PATH", "HOME", "FAILPOINTS", "RUST_BACKTRACE"] {
        if let Ok(value) = std::env::var(name) {
            command.env(name, value);
        }
    }
    command.env("JETHUB_AUTH__HS256_SECRET", SECRET).env("JETHUB_SERVER__STATE_DIR", path.join("state"));
    for (name, value) in settings {
        match name.split_once('.') {
            Some((section, key)) => {
                let (section, key) = (section.to_uppercase(), key.to_uppercase());
                command.env(format!("JETHUB_{section}__{key}"), value)
            }
            // A variable by its own name, for example FAILPOINTS.
            None => command.env(name, value),
        };
    }
    command
}

/// Kills the process when the pipe to the tests closes.
fn watch(pid: u32) -> Child {
    let script = "cat >/dev/null; kill -9 \"$1\" 2>/dev/null";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh", &pid.to_string()]).stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
