//! API keys of a tenant. The key itself is in the answer to its creation and nowhere else.

use serde::Deserialize;

use super::{members::may_grant, tenants::of_path};
use crate::{
    auth::{self, NewApiKey, Proof},
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{ApiKeyId, UserId},
};

#[derive(Deserialize)]
struct New {
    #[serde(flatten)]
    key: NewApiKey,
    /// Operators only: in whose name it acts.
    #[serde(rename = "userID")]
    user: Option<UserId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    is_disabled: bool,
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let page = asked.page()?;
    let part = asked.hub.parts.auth.directory().api_keys(tenant, page.clone()).await?;
    listed("apiKeys", &part, page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let New { mut key, user } = asked.fields()?;
    let auth = &asked.hub.parts.auth;
    let identity = asked.identity()?;
    let creator = if asked.tenant.is_some() {
        // A narrowed key must not make a wider one.
        if let (None, Proof::ApiKey { role, .. }) = (&key.role, &identity.proof) {
            key.role = role.clone();
        }
        if let Some(role) = &key.role {
            may_grant(&asked, &tenant, role).await?;
        }
        identity.user.clone()
    } else {
        if let Some(user) = &user
            && auth.directory().member(tenant.clone(), user.clone()).await?.is_none()
        {
            return Err(auth::Error::NotFound("member").into());
        }
        user
    };
    let (row, secret) = auth.create_api_key(&asked.by(), &tenant, creator.as_ref(), key).await?;
    Ok(Answer::field("apiKey", &row)?.and("key", &secret.expose())?.created())
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let change: Change = asked.fields()?;
    let id = asked.id("apiKeyID", ApiKeyId::parse)?;
    let row = asked.hub.parts.auth.disable_api_key(&asked.by(), &tenant, &id, change.is_disabled).await?;
    Answer::field("apiKey", &row)
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let id = asked.id("apiKeyID", ApiKeyId::parse)?;
    let gone = asked.hub.parts.auth.revoke_api_key(&asked.by(), &tenant, &id).await;
    match gone {
        Err(auth::Error::NotFound(_)) => Err(Failure::of(Code::NotFound)),
        outcome => outcome.map(|()| Answer::empty()).map_err(Failure::from),
    }
}
