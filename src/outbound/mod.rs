//! The one outgoing HTTP client; nothing else opens a connection to a foreign address.
//!
//! Owns: the rules for addresses (`address`), the TLS provider of the process, the limits of a call
//! (time, size, redirects), and the two connection pools behind them: one for addresses that a
//! tenant can set (guarded), one for addresses of the operator's own settings (trusted).
//!
//! The guard looks at the address that is connected to, not at the name: names are resolved here
//! and only permitted addresses are handed on, so that a name cannot mean one thing when it is
//! checked and another when it is called (`faults.md` A48, A49). Redirects are followed by hand and
//! each hop is checked like the first. Environment proxies are ignored (A52).
//!
//! Used by: `auth` (key sets), later data sources and models. Never: retries, caches, logs bodies
//! or headers.

mod address;
mod client;
mod error;
mod hop;
mod request;
mod resolver;

#[cfg(test)]
mod tests;

pub use address::is_here;
pub use client::Outbound;
pub use error::{Error, Phase};
pub use request::{Answer, Redirects, Request, Trust};
#[cfg(test)]
pub(crate) use resolver::Found;
pub(crate) use resolver::{Lookup, System};
