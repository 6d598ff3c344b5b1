//! From arguments to the module that does the work.

use std::process::ExitCode;

use clap::Parser;

use super::{
    admin,
    args::{Arguments, Command, ConfigCommand},
    demo,
    output::{Failure, print, say},
    settings, token,
};
use crate::{faults, protocol::events::asyncapi, script, server, store};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    // Nothing without the feature `failpoints`.
    let _armed = faults::setup();
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Config(ConfigCommand::Check(place)) => settings::check(&place.flags()),
        Command::Config(ConfigCommand::Reference) => settings::print_reference(),
        Command::Token(arguments) => token::run(&arguments),
        Command::Administration(administration) => admin::run(&administration),
        Command::Serve(place) => {
            let loaded = settings::read_to_serve(&place.flags())?;
            super::init_logging(&loaded.config.log, loaded.config.limits.log_line.get());
            super::logging::log_panics();
            server::serve(loaded.config).map_err(|error| match error.is_settings() {
                true => Failure::Settings(error.to_string()),
                false => Failure::Failed(error.to_string()),
            })
        }
        Command::Demo(arguments) => demo::run(&arguments.listen),
        Command::Migrate(place) => {
            let config = settings::read(&place.flags())?.config;
            let done = store::migrate(&config.database, &config.journal, &config.server.state_dir)
                .map_err(|error| Failure::Failed(error.to_string()))?;
            for name in &done.applied {
                say(&format!("migrated: {name}"));
            }
            print(&format!("the database is at {}\n", done.version))
        }
        Command::Asyncapi => print(asyncapi::yaml()),
        Command::ScriptWorker => script::worker_main().map_err(Failure::Failed),
    }
}
