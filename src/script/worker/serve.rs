//! The worker process: gives up its rights, then runs one job after the other from its standard
//! input until that closes.

use std::{
    io::{self, Read},
    time::Duration,
};

use super::{
    room::{Builtins, Room},
    run::execute,
    sandbox,
};
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
    let mut ready = Room::new(clock, Builtins::Few);
    send(&Reply::Ready)?;
    loop {
        let job = receive()?;
        let (reply, used) = execute(&job, clock, ready.take());
        send(&reply)?;
        drop(used);
        // The hub writes what came of it meanwhile; the next one is likely to be of the same kind.
        ready = Room::new(clock, Builtins::of(&job.code));
    }
}

/// One execution before the filter: the C library reads its time zone now, or never.
fn warm_up(clock: &Clock) {
    let job = Job {
        expression: true,
        timeout: Duration::from_secs(1),
        memory: 16 * 1024 * 1024,
        stack: 256 * 1024,
        code: "[new Date().getTimezoneOffset(), /a/.test('a'), parseInt('1')]".to_owned(),
        ctx: "{}".to_owned(),
    };
    execute(&job, clock, None);
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
    // Past the standard library's line buffer: a frame is one call of the system.
    let mut rest = frame.as_slice();
    while !rest.is_empty() {
        let written = match rustix::io::write(rustix::stdio::stdout(), rest) {
            Err(rustix::io::Errno::INTR) => 0,
            written => written?,
        };
        rest = rest.get(written..).unwrap_or_default();
    }
    Ok(())
}
