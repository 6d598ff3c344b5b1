//! The worker process: gives up its rights, then runs one job after the other from its standard
//! input until that closes.

use std::{
    io::{self, Read, Write},
    time::Duration,
};

use super::{run::execute, sandbox};
use crate::{
    clock::Clock,
    script::wire::{self, HEADER, Job, MAX_JOB, Reply},
};

/// The worker process: the hidden command `script-worker`. Returns when the hub closes the pipe.
pub fn worker_main() -> Result<(), String> {
    let clock = Clock::real();
    warm_up(&clock);
    if let Err(why) = sandbox::enter() {
        send(&Reply::Refused(why.clone())).map_err(|error| error.to_string())?;
        return Err(why);
    }
    // Tests ask here whether the sandbox holds; the pool gives its workers no environment.
    if let Ok(act) = std::env::var("JETHUB_SCRIPT_PROBE") {
        return Err(sandbox::probe(&act));
    }
    let served = serve(&clock);
    match served {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn serve(clock: &Clock) -> io::Result<()> {
    send(&Reply::Ready)?;
    loop {
        let job = receive()?;
        send(&execute(&job, clock))?;
    }
}

/// One execution before the filter: the C library reads its time zone now, or never.
fn warm_up(clock: &Clock) {
    let job = Job {
        expression: true,
        timeout: Duration::from_secs(1),
        memory: 16 * 1024 * 1024,
        stack: 256 * 1024,
        code: "[new Date().getTimezoneOffset(), /a/.test('a')]".to_owned(),
        ctx: "{}".to_owned(),
    };
    execute(&job, clock);
}

fn receive() -> io::Result<Job> {
    let mut input = io::stdin().lock();
    let mut header = [0; HEADER];
    input.read_exact(&mut header)?;
    let broken = |_| io::Error::from(io::ErrorKind::InvalidData);
    let mut frame = vec![0; wire::length(header, MAX_JOB).map_err(broken)?];
    input.read_exact(&mut frame)?;
    Job::decode(&frame).map_err(broken)
}

fn send(reply: &Reply) -> io::Result<()> {
    let frame = reply.encode().ok_or(io::ErrorKind::InvalidData)?;
    let mut output = io::stdout().lock();
    output.write_all(&frame)?;
    output.flush()
}
