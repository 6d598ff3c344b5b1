//! What a person may do, asked at each call and again when an approved proposal is carried out.

use crate::{
    ai::{Person, ToolError},
    auth::{Error, Permission, Permissions},
    chat::tools::{hands::Inner, words},
    error::Coded,
    ids::TenantId,
};

/// For whom something is done, and where.
#[derive(Debug, Clone)]
pub(in crate::chat::tools) struct Caller {
    pub person: Person,
    pub tenant: TenantId,
}

impl Inner {
    /// What the person may do in the tenant now.
    pub(in crate::chat::tools) async fn permissions(&self, caller: &Caller) -> Result<Permissions, Error> {
        let person = &caller.person;
        self.auth.permissions_of(&person.user, person.api_key.as_ref(), &caller.tenant).await
    }

    /// Refuses who may not do all of this; who may not chat may do nothing here.
    pub(in crate::chat::tools) async fn needs(
        &self,
        caller: &Caller,
        needed: &[Permission],
    ) -> Result<Permissions, ToolError> {
        let permissions = match self.permissions(caller).await {
            Ok(permissions) => permissions,
            // Who is no member is told nothing else.
            Err(Error::NotAMember | Error::Denied) => Permissions::NONE,
            Err(error) => {
                return Err(ToolError::Failed {
                    code: error.code(),
                    message: words::error(&error.public_message()),
                });
            }
        };
        let missing = [Permission::AiChat].iter().chain(needed).find(|right| !permissions.contains(**right));
        match missing {
            Some(missing) => Err(ToolError::Denied(missing.as_str())),
            None => Ok(permissions),
        }
    }
}
