//! Widgets: registrations of a socket with a run (`contract.md` 2.5 to 2.8).

mod processed;

pub use self::processed::processed;
