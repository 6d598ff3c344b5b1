//! What follows a failed attempt (`contract.md` 5.7).

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    engine::{
        Definition, NodeError, Then,
        definition::{Handling, Node},
    },
    error::Code,
    ids::Attempt,
};

/// Longest message of an error that is kept.
const MESSAGE_CHARS: usize = 2000;

/// What follows.
pub(super) fn then(
    definition: &Definition,
    node: &Node,
    attempt: Attempt,
    error: &NodeError,
    now: Timestamp,
) -> Then {
    if attempt.0 <= node.policy.retries && may_help(error) {
        return Then::Retry(now.checked_add(node.policy.retry_delay).unwrap_or(now));
    }
    let on = |handle: &str| Then::Handled(vec![Arc::from(handle)]);
    match node.policy.handling {
        Handling::Fail => Then::Unhandled,
        _ if definition.leaves_on(&node.id, "error") => on("error"),
        Handling::ContinueDefault => Then::Handled(node.kind.normal(node.normal)),
        handling if node.scope.is_some() => Then::Item { skip: handling == Handling::SkipItem },
        // Outside of a loop there is no item to skip.
        Handling::Continue | Handling::SkipItem => Then::Unhandled,
    }
}

/// A programming error, a value that is too large or does not fit, a missing right stay what they
/// are, and nobody is asked twice.
fn may_help(error: &NodeError) -> bool {
    let is = |code: Code| error.code == code.as_str();
    let stays = [
        Code::ContextTooLarge,
        Code::PayloadTooLarge,
        Code::CollectionExpired,
        Code::PermissionDenied,
        Code::InputInvalid,
        Code::InvalidDefinition,
    ];
    if stays.into_iter().any(is) {
        return false;
    }
    let programming =
        error.name.as_deref().is_some_and(|name| name == "SyntaxError" || name == "ReferenceError")
            || ["SyntaxError", "is not defined", "not a function"]
                .iter()
                .any(|sign| error.message.contains(sign));
    !(is(Code::JsError) && programming)
}

/// The error as it is kept: bounded.
pub(super) fn bounded(error: NodeError) -> NodeError {
    let cut = |text: String, most: usize| match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    };
    NodeError {
        code: cut(error.code, 64),
        message: cut(error.message, MESSAGE_CHARS),
        name: error.name.map(|name| cut(name, 64)),
    }
}
