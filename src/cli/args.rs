//! What can be written on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::{admin::Administration, token::TokenArguments};
use crate::config::Flags;

/// A real-time hub: Socket.IO sessions, durable workflow runs, supervised actors.
#[derive(Debug, Parser)]
#[command(name = "jethub", version, max_term_width = 100, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage, 78 wrong settings.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the hub
    Serve(Serve),
    /// Run a hub with something to see, in a temporary directory
    Demo(Demo),
    /// Print a token signed with the hub's own secret
    Token(TokenArguments),
    #[command(flatten)]
    Administration(Administration),
    /// Bring the database up to date; refused while a hub runs on it
    Migrate(Where),
    /// Check or describe the settings
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the AsyncAPI description of all events
    Asyncapi,
    /// A process that runs JavaScript for the hub
    #[command(hide = true)]
    ScriptWorker,
}

/// Where the settings come from.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Where {
    /// Settings file [default: /etc/jethub/jethub.toml if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Database, sqlite:FILE or postgresql://… [default: jethub.db in the state directory]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// State directory [default: $STATE_DIRECTORY, else ./jethub-data]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

impl Where {
    pub fn flags(&self) -> Flags {
        let Self { config, database, state_dir } = self.clone();
        Flags { config, database, state_dir, listen: None }
    }
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    #[command(flatten)]
    pub place: Where,
    /// Address and port [default: 127.0.0.1:3000]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

impl Serve {
    pub fn flags(&self) -> Flags {
        Flags { listen: self.listen.clone(), ..self.place.flags() }
    }
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address and port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000")]
    pub listen: String,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Tell every mistake in the settings: place, value, rule, and a value that would do
    #[command(after_help = "Example:\n  jethub config check --config /etc/jethub/jethub.toml")]
    Check(Serve),
    /// Print every setting with its default and its meaning
    #[command(after_help = "Example:\n  jethub config reference > reference.toml")]
    Reference,
}
