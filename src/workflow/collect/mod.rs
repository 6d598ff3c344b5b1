//! What runs ask people (`contract.md` 5.5, 6.5): requests as rows, answers by REST and by widgets.
//!
//! A request is opened and closed by rows of its run, so its table is a projection of them; that the
//! first answer wins is decided by the run's actor, whatever this module has seen. What an answer must
//! be like is checked here, off the actor: a request never changes while it is open.

mod approvers;
mod rows;
mod submit;

pub use self::rows::{PendingRequest, RequestView};
pub(super) use self::{
    rows::{pending, projection},
    submit::{answer_of, submission},
};
