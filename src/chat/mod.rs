//! Chat rooms: people and an assistant, with a person's consent before anything has an effect.

mod messages;
mod proposal;
pub mod room;

pub use messages::{Accepted, AckFrame, Asker, Join, Joined, Say};
pub use proposal::{Action, Answered, Consent, Proposal, ProposalStatus};
