//! Exit codes, and printing that survives a closed pipe.

use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Wrong settings (`EX_CONFIG` of sysexits.h).
pub(super) const CONFIG: u8 = 78;

/// How a command ends when it does not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The settings are wrong: exit code 78.
    Settings(String),
    /// Anything else: exit code 1.
    Failed(String),
}

impl Failure {
    /// Tells a person and gives the exit code.
    pub fn report(&self) -> ExitCode {
        let (text, code) = match self {
            Self::Settings(text) => (text, ExitCode::from(CONFIG)),
            Self::Failed(text) => (text, ExitCode::FAILURE),
        };
        say(text);
        code
    }
}

/// Prints a result. Whoever closed the pipe (`jethub … | head`) has what it wanted.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::Failed(format!("cannot write to standard output: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tells a person something. If nobody listens, nothing can be done about it.
pub(super) fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
