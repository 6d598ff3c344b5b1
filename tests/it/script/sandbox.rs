//! `faults.md` 3.4: a worker cannot open a file, make a socket, start a program or reach another
//! process, whatever runs in it. The worker itself is told to try.

use std::{
    io::{Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Command, Stdio},
};

use super::rig::hub;

/// The signal of a call that the filter forbids.
const SIGSYS: i32 = 31;

fn probe(act: &str) -> std::process::ExitStatus {
    let mut worker = Command::new(hub());
    worker.arg("script-worker").env("JETHUB_SCRIPT_PROBE", act);
    worker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    worker.status().unwrap()
}

#[test]
fn every_way_out_ends_the_worker() {
    assert_eq!(probe("nothing").code(), Some(1), "the probe itself works");
    for act in ["open", "create", "list", "socket", "connect", "program", "thread", "kill", "limits"] {
        let status = probe(act);
        assert_eq!(status.signal(), Some(SIGSYS), "{act}: {status}");
    }
    assert!(!std::path::Path::new("/tmp/jethub-script-probe").exists());
}

#[test]
fn a_worker_ends_with_its_pipe_and_at_a_wrong_frame() {
    let start = || {
        let mut worker = Command::new(hub());
        worker.arg("script-worker").env_clear();
        worker.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut closed = start();
    drop(closed.stdin.take());
    assert_eq!(closed.wait().unwrap().code(), Some(0));
    for garbage in [&b"\xff\xff\xff\xff"[..], b"\x04\0\0\0abcd"] {
        let mut worker = start();
        worker.stdin.as_mut().unwrap().write_all(garbage).unwrap();
        assert_eq!(worker.wait().unwrap().code(), Some(1));
        let mut said = Vec::new();
        worker.stdout.take().unwrap().read_to_end(&mut said).unwrap();
        assert_eq!(said, [1, 0, 0, 0, 0], "it was ready, and said nothing else");
    }
}
