//! Settings: sections with defaults, all mistakes at once, the reference generated.
//!
//! [`load()`] reads them in layers, each over the one before: defaults, the file, credentials of
//! systemd, the environment, flags. Every value is checked where it stands, so that a mistake is
//! told with its place (file and line, variable, flag), the value, the rule, and a value that would
//! do; rules between two settings are in `validate.rs`. The structs of [`sections`] with their
//! comments are the only source: the check, `jethub config reference` and the types follow from them.
//!
//! Nothing here opens a socket or a database, and nothing changes after the start: modules take
//! their section in their constructor.

mod document;
mod load;
mod problem;
mod reference;
mod schema;
mod secret;
pub mod sections;
mod validate;
mod values;

#[cfg(test)]
mod config_test;

pub use load::{DEFAULT_FILE, Environment, Flags, Loaded, load};
pub use problem::{Mistakes, Place, Problem};
pub use reference::reference;
pub use secret::Secret;
pub use sections::Config;
pub use validate::{database_address, require_verifier};
pub use values::{BadValue, DurationSetting, Rate, Size};
