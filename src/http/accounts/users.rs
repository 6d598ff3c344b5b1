//! Users of the hub, for operators.

use crate::{
    auth::{NewUser, directory::rows::UserPatch},
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::UserId,
};

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let page = asked.page()?;
    let part = asked.hub.parts.auth.directory().users(page.clone()).await?;
    listed("users", &part, page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let new: NewUser = asked.fields()?;
    let user = asked.hub.parts.auth.create_user(&asked.by(), new).await?;
    Ok(Answer::field("user", &user)?.created())
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("userID", UserId::parse)?;
    let directory = asked.hub.parts.auth.directory();
    let user = directory.user(id.clone()).await?.ok_or_else(|| Failure::of(Code::NotFound))?;
    Answer::field("user", &user)?.and("memberships", &directory.memberships(id).await?)
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("userID", UserId::parse)?;
    let patch: UserPatch = asked.fields()?;
    Answer::field("user", &asked.hub.parts.auth.update_user(&asked.by(), &id, patch).await?)
}
