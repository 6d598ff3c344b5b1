//! From arguments to the module that does the work.

use std::process::ExitCode;

use clap::Parser;

use super::{
    admin,
    args::{Arguments, Command, ConfigCommand},
    output::Failure,
    settings, token,
};

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
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
            Err(unbuilt("serve"))
        }
        Command::Demo(demo) => Err(unbuilt(&format!("demo on {}", demo.listen))),
        Command::Migrate(place) => {
            settings::read(&place.flags())?;
            Err(unbuilt("migrate"))
        }
        Command::Asyncapi => Err(unbuilt("asyncapi")),
        Command::ScriptWorker => crate::script::worker_main().map_err(Failure::Failed),
    }
}

/// Commands whose module is not part of this build; they are hidden from the help.
fn unbuilt(command: &str) -> Failure {
    Failure::Failed(format!("jethub {command}: not part of this build"))
}
