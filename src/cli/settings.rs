//! Settings as commands take them: read, warned about, or refused with exit code 78.

use super::output::{Failure, print, say};
use crate::config::{Environment, Flags, Loaded, load, reference, require_verifier};

/// Reads the settings; warnings go to standard error.
pub(super) fn read(flags: &Flags) -> Result<Loaded, Failure> {
    let loaded = load(flags, &Environment::of_process())
        .map_err(|mistakes| Failure::Settings(format!("{mistakes}\n{}", summary(mistakes.0.len()))))?;
    for warning in &loaded.warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(loaded)
}

fn summary(count: usize) -> String {
    let noun = if count == 1 { "mistake" } else { "mistakes" };
    format!("{count} {noun} in the settings; all of them are described by: jethub config reference")
}

/// Settings with which a hub can serve.
pub(super) fn read_to_serve(flags: &Flags) -> Result<Loaded, Failure> {
    let loaded = read(flags)?;
    require_verifier(&loaded.config).map_err(|mistakes| Failure::Settings(mistakes.to_string()))?;
    Ok(loaded)
}

/// `config check`: refuses whatever `serve` refuses.
pub(super) fn check(flags: &Flags) -> Result<(), Failure> {
    let loaded = read_to_serve(flags)?;
    let file = loaded.file.map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    print(&format!("the settings hold ({file}, environment, flags)\n"))
}

/// `config reference`.
pub(super) fn print_reference() -> Result<(), Failure> {
    print(&reference())
}
