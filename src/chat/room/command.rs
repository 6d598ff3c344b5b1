//! What a room is asked, and why it may refuse.

use super::RoomMember;
use crate::{
    ai::{Answer, Called, Failure},
    chat::{Accepted, Answered, Asker, Consent},
    error::{Code, Coded},
    ids::{MessageId, ProposalId, Seq, UserId},
};

/// What a room is asked. Those of a person are refused when the person is not in the room; those of the
/// hub itself that come too late (a turn that was cancelled, a timer of a closed proposal) give no event.
#[derive(Debug, Clone)]
pub enum RoomCommand {
    /// The first row.
    Open {
        /// What it is called, if it is.
        title: Option<String>,
    },
    /// A person says something.
    Say(Box<Said>),
    /// The turn of a message has its answer.
    Answered {
        /// The message.
        message: MessageId,
        /// The answer.
        answer: Box<Answer>,
        /// What came of the preview that [`Ask::preview`](super::Ask) wanted; none: not wanted, or nothing
        /// was proposed.
        preview: Option<Box<Called>>,
    },
    /// The turn of a message came to nothing.
    Failed {
        /// The message.
        message: MessageId,
        /// Why.
        failure: Failure,
    },
    /// The preview that a message asked for ended.
    Previewed {
        /// The message.
        message: MessageId,
        /// How.
        result: Box<Called>,
    },
    /// An approved proposal was carried out.
    CarriedOut {
        /// The proposal.
        proposal: ProposalId,
        /// How it ended.
        answered: Box<Answered>,
    },
    /// It is not known whether an approved proposal was carried out.
    Unknown {
        /// The proposal.
        proposal: ProposalId,
    },
    /// The timer of a proposal.
    Expire {
        /// The proposal.
        proposal: ProposalId,
    },
    /// The room was read from its rows: settles what needs nobody. Before [`outstanding`](super::outstanding).
    Resume,
    /// Stop the answer that is being made. No event when none is, or when it carries out what a person
    /// approved.
    Cancel {
        /// Who asks.
        by: Asker,
        /// The part of the answer that was told.
        partial: String,
    },
    /// Let somebody in.
    AddMember {
        /// Who asks: the owner.
        by: Asker,
        /// Whom.
        member: RoomMember,
    },
    /// Let somebody out.
    RemoveMember {
        /// Who asks: the owner, or who goes.
        by: Asker,
        /// Whom.
        user: UserId,
    },
    /// Call it otherwise.
    Rename {
        /// Who asks: the owner.
        by: Asker,
        /// The title.
        title: String,
    },
    /// Put it away, or take it back.
    Archive {
        /// Who asks: the owner.
        by: Asker,
        /// Away.
        archived: bool,
    },
}

/// What a person says.
#[derive(Debug, Clone)]
pub struct Said {
    /// Its new name.
    pub message: MessageId,
    /// Who, and from where.
    pub by: Asker,
    /// What; may be empty beside a consent.
    pub text: String,
    /// What is asked of a proposal.
    pub consent: Option<Consent>,
    /// The client's own name of the message.
    pub client_id: Option<String>,
    /// [`Joined::seen_from`](crate::chat::Joined) of the socket.
    pub seen_from: Option<Seq>,
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is none, or none for this person.
    #[error("no such room")]
    NoSuchRoom,
    /// Only its owner may.
    #[error("only the owner of the room may do this")]
    NotOwner,
    /// No such person in the room.
    #[error("no such member")]
    NoSuchMember,
    /// The message is in the room already.
    #[error("the message was sent before")]
    Repeated(Accepted),
    /// Too many messages wait.
    #[error("{0} messages of this room wait for their answer already (ai.queue_per_room)")]
    QueueFull(usize),
    /// Too many people.
    #[error("a room has at most {0} members (chat.max_members)")]
    TooManyMembers(usize),
    /// A text over its bound.
    #[error("a message has at most {0} bytes (limits.chat_text)")]
    TooLarge(usize),
    /// Of no use.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is one already.
    #[error("the room is there already")]
    Exists,
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Refusal::NoSuchRoom => Code::RoomNotFound,
            Refusal::NotOwner => Code::PermissionDenied,
            Refusal::NoSuchMember => Code::NotFound,
            Refusal::QueueFull(_) | Refusal::TooManyMembers(_) => Code::RateLimited,
            Refusal::TooLarge(_) => Code::PayloadTooLarge,
            Refusal::Invalid(_) => Code::InvalidRequest,
            Refusal::Repeated(_) | Refusal::Exists => Code::Conflict,
        }
    }
}
