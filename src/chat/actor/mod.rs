//! The actor of a room: `shell` (the order of things), `commit` (decide, append, then carry out), `load`
//! (from the journal), `work` (turns and what was approved), `kind`.
mod commit;
mod kind;
mod load;
mod rows;
mod shell;
mod work;

pub use self::kind::RoomKind;
pub(super) use self::rows::{changed, new_row};
