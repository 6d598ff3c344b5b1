//! Who is in a room, who is let in, who leaves.

use serde::Deserialize;

use super::{
    rooms::{asker, find},
    shown::members,
};
use crate::{
    chat::room::RoomMember,
    error::Code,
    http::{Answer, Asked, Failure},
    ids::UserId,
};

#[derive(Deserialize)]
struct New {
    #[serde(rename = "userID", default)]
    user: Option<UserId>,
    #[serde(rename = "firebaseID", default)]
    subject: Option<String>,
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let (_, room, people) = find(&asked).await?;
    Answer::field("members", &members(&room, people))
}

/// A member of the tenant, by `userID` or `firebaseID`. Whoever is none is answered like a user that does
/// not exist.
pub(super) async fn add(asked: Asked) -> Result<Answer, Failure> {
    let new: New = asked.fields()?;
    let (id, ..) = find(&asked).await?;
    let (tenant, directory) = (asked.tenant()?, asked.hub.parts.auth.directory());
    let user = match (new.user, new.subject) {
        (Some(id), _) => directory.user(id).await?,
        (None, Some(subject)) => directory.user_by_subject(subject).await?,
        (None, None) => {
            return Err(Failure::validation(vec![("userID".into(), "give userID or firebaseID".into())]));
        }
    };
    let missing = || Failure::new(Code::NotFound, "this tenant has no such member");
    let user = user.ok_or_else(missing)?;
    directory.member(tenant.clone(), user.id.clone()).await?.ok_or_else(missing)?;
    let member = RoomMember { user: user.id, subject: user.subject };
    asked.hub.parts.chats.invite(&id, asker(&asked)?, member).await?;
    let (_, room, people) = find(&asked).await?;
    Ok(Answer::field("members", &members(&room, people))?.created())
}

pub(super) async fn remove(asked: Asked) -> Result<Answer, Failure> {
    let user = asked.id("userID", UserId::parse)?;
    let (id, ..) = find(&asked).await?;
    asked.hub.parts.chats.remove_member(&id, asker(&asked)?, user).await?;
    Answer::field("message", &"Removed from the chat room.")
}
