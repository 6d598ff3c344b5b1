//! Between `workflow` and REST: its errors, and who asks.

use crate::{
    auth::Identity,
    http::Failure,
    workflow::{Error, Starter},
};

/// An error of `workflow`, with the list of all that is wrong.
pub(in crate::http) fn told(error: Error) -> Failure {
    let details = error.details();
    let failure = Failure::from(error);
    match details {
        Some(details) => failure.with_details(details),
        None => failure,
    }
}

/// Who starts or saves.
pub(in crate::http) fn starter(identity: &Identity) -> Starter {
    Starter { user: identity.user.clone(), api_key: identity.api_key().cloned() }
}
