//! Child processes that live as long as the tests do.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, OnceLock},
};

/// `target/<profile>`, where this test binary was built.
pub fn target_dir() -> PathBuf {
    let exe = std::env::current_exe().expect("path of the test binary");
    exe.parent().and_then(|deps| deps.parent()).expect("target/<profile>/deps").to_owned()
}

/// An example, built beforehand by `cargo build --examples` (`make test` does).
pub fn example(name: &str) -> PathBuf {
    let path = target_dir().join("examples").join(name);
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}

/// A server that ends with this test process, however that ends: a shell holds it and kills it when
/// the pipe to the tests closes.
pub fn held(mut program: Command) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut shell = Command::new("sh");
    shell
        .arg("-c")
        .arg(r#""$@" 3<&- & p=$!; (cat >/dev/null; kill -9 $p 2>/dev/null) <&3 >/dev/null 2>&1 & exec 3<&-; wait $p"#)
        .arg("sh")
        .arg(program.get_program())
        .args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    // descriptor 3 is the pipe: background jobs of a shell get /dev/null as standard input
    let mut outer = Command::new("sh");
    outer.arg("-c").arg(r#"exec "$@" 3<&0"#).arg("sh").arg(shell.get_program()).args(shell.get_args());
    for (name, value) in shell.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    program = outer;
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the server starts");
    let out = BufReader::new(child.stdout.take().unwrap());
    (child, out)
}

/// The shared examples/conformance, with the owned-socket transport or mounted. `TEST_CONFORMANCE`
/// names the address of another implementation instead (the same handlers and settings).
///
/// Without the built example a case fails and says what to build.
pub fn conformance(mounted: bool) -> Option<SocketAddr> {
    if let Ok(addr) = std::env::var("TEST_CONFORMANCE") {
        return Some(addr.parse().expect("TEST_CONFORMANCE=IP:PORT"));
    }
    static OWNED: OnceLock<SocketAddr> = OnceLock::new();
    static MOUNTED: OnceLock<SocketAddr> = OnceLock::new();
    static HELD: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let cell = if mounted { &MOUNTED } else { &OWNED };
    Some(*cell.get_or_init(|| {
        let mut program = Command::new(example("conformance"));
        program.arg("127.0.0.1:0");
        if mounted {
            program.arg("--mounted");
        }
        let (child, mut out) = held(program);
        let mut line = String::new();
        loop {
            line.clear();
            assert!(
                out.read_line(&mut line).expect("its output") > 0,
                "conformance ended before it was ready"
            );
            if let Some(addr) = line.trim().strip_prefix("ready ") {
                let addr = addr.split_whitespace().next().and_then(|a| a.parse().ok());
                HELD.lock().unwrap().push(child);
                // its later output is of no interest, but the pipe must not fill
                std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
                return addr.expect("ready ADDR");
            }
        }
    }))
}
