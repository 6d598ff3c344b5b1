//! What the operating system tells and is told.

mod signals;
pub(super) mod systemd;

pub(super) use self::signals::Signals;
