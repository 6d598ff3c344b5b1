//! What a switchboard knows: places of sessions, lists of members, what is to be written and told.
//!
//! Only data behind one borrow. Nothing in this folder calls an outlet, a socket or a waker: that is
//! noted and done by the switchboard when the borrow has ended. It knows the queue and the wheel; the
//! switchboard, its task and the flusher know it.

mod board;
mod registered;
mod slots;
mod subjects;

pub(super) use board::{Board, Call};
