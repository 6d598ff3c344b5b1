//! Members of a tenant.

use serde::{Deserialize, Serialize};

use super::tenants::of_path;
use crate::{
    auth::{
        self, MEMBER, NewUser,
        directory::rows::{Member, User},
    },
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{TenantId, UserId},
};

/// A member as pages show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(flatten)]
    member: Member,
    #[serde(rename = "firebaseID")]
    subject: String,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    is_disabled: bool,
}

impl Row {
    fn new((member, user): (Member, User)) -> Self {
        Self {
            member,
            subject: user.subject,
            email: user.email,
            first_name: user.first_name,
            last_name: user.last_name,
            is_disabled: user.is_disabled,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct New {
    #[serde(rename = "userID")]
    user: Option<UserId>,
    #[serde(rename = "firebaseID")]
    subject: Option<String>,
    email: Option<String>,
    role: String,
}

impl Default for New {
    fn default() -> Self {
        Self { user: None, subject: None, email: None, role: MEMBER.to_owned() }
    }
}

#[derive(Deserialize)]
struct NewRole {
    role: String,
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let page = asked.page()?;
    let part = asked.hub.parts.auth.directory().members(tenant, page.clone()).await?;
    listed("members", &part.map(Row::new), page.page, page.page_size)
}

/// A new member: a user by its id, or whoever will come with a subject. A subject that nobody has yet
/// becomes a user, so that the answer tells a tenant nothing of the users of others.
pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let new: New = asked.fields()?;
    may_grant(&asked, &tenant, &new.role).await?;
    let auth = &asked.hub.parts.auth;
    let directory = auth.directory();
    let user = match (new.user, new.subject) {
        (Some(id), _) => directory.user(id).await?.ok_or_else(|| Failure::of(Code::NotFound))?,
        (None, Some(subject)) if subject.chars().any(char::is_control) => {
            return Err(Failure::validation(vec![("firebaseID".into(), "has control characters".into())]));
        }
        (None, Some(subject)) => match directory.user_by_subject(subject.clone()).await? {
            Some(user) => user,
            None => {
                let user = NewUser { subject, email: new.email, ..NewUser::default() };
                let user = auth.create_member(&asked.by(), &tenant, user, &new.role).await?;
                return Ok(shown(&asked, tenant, user).await?.created());
            }
        },
        (None, None) => {
            return Err(Failure::validation(vec![("userID".into(), "give userID or firebaseID".into())]));
        }
    };
    if directory.member(tenant.clone(), user.id.clone()).await?.is_some() {
        return Err(auth::Error::Conflict("member").into());
    }
    auth.put_member(&asked.by(), &tenant, &user.id, &new.role).await?;
    Ok(shown(&asked, tenant, user).await?.created())
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let new: NewRole = asked.fields()?;
    let id = asked.id("userID", UserId::parse)?;
    let member = existing(&asked, &tenant, &id).await?;
    // Neither more than one may do oneself, nor the demotion of somebody who may do more.
    may_grant(&asked, &tenant, &member.role).await?;
    may_grant(&asked, &tenant, &new.role).await?;
    let auth = &asked.hub.parts.auth;
    auth.put_member(&asked.by(), &tenant, &id, &new.role).await?;
    let user = auth.directory().user(id).await?.ok_or_else(|| Failure::of(Code::NotFound))?;
    shown(&asked, tenant, user).await
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let id = asked.id("userID", UserId::parse)?;
    let member = existing(&asked, &tenant, &id).await?;
    may_grant(&asked, &tenant, &member.role).await?;
    asked.hub.parts.auth.delete_member(&asked.by(), &tenant, &id).await?;
    Ok(Answer::empty())
}

async fn existing(asked: &Asked, tenant: &TenantId, user: &UserId) -> Result<Member, Failure> {
    let found = asked.hub.parts.auth.directory().member(tenant.clone(), user.clone()).await?;
    found.ok_or_else(|| Failure::of(Code::NotFound))
}

async fn shown(asked: &Asked, tenant: TenantId, user: User) -> Result<Answer, Failure> {
    let member = existing(asked, &tenant, &user.id).await?;
    Answer::field("member", &Row::new((member, user)))
}

/// Operators grant what they like; a tenant's people only what they may do themselves.
pub(super) async fn may_grant(asked: &Asked, tenant: &TenantId, role: &str) -> Result<(), Failure> {
    if asked.tenant.is_some() {
        asked.hub.parts.auth.may_grant(asked.identity()?, tenant, role).await?;
    }
    Ok(())
}
