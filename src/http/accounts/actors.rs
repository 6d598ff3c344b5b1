//! Living actors, for operators.

use std::sync::Arc;

use crate::{
    error::Code,
    http::{Actors, Answer, Asked, Failure},
};

/// Most actors of one answer.
const MOST: usize = 1000;

/// `GET /admin/v1/actors?kind=run`.
pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let wanted = asked.query.get("kind");
    let limit = match asked.query.get("limit").map(|text| text.parse::<usize>()) {
        None => 100,
        Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
        Some(_) => {
            return Err(Failure::validation(vec![("limit".into(), format!("must be 1 to {MOST}"))]));
        }
    };
    if let Some(kind) = wanted {
        kind_of(&asked, kind)?;
    }
    let mut actors = Vec::new();
    for of in asked.hub.parts.actors.iter().filter(|of| wanted.is_none_or(|kind| kind == of.kind())) {
        actors.extend(of.list(limit.saturating_sub(actors.len())).await);
    }
    let kinds: Vec<&str> = asked.hub.parts.actors.iter().map(|of| of.kind()).collect();
    Answer::field("actors", &actors)?.and("kinds", &kinds)
}

/// `POST /admin/v1/actors/{kind}/{id}/restart`: from the journal; held messages follow in order.
pub(super) async fn restart(asked: Asked) -> Result<Answer, Failure> {
    let of = Arc::clone(kind_of(&asked, asked.part("kind"))?);
    let id = asked.part("id").to_owned();
    of.restart(&id).await.ok_or_else(|| Failure::of(Code::ActorNotFound))??;
    let target = format!("{}:{id}", of.kind());
    asked.hub.parts.auth.note(&asked.by(), "actor.restart", target).await?;
    Answer::field("state", &"restarted")
}

fn kind_of<'a>(asked: &'a Asked, kind: &str) -> Result<&'a Arc<dyn Actors>, Failure> {
    let found = asked.hub.parts.actors.iter().find(|of| of.kind() == kind);
    found.ok_or_else(|| Failure::validation(vec![("kind".into(), "no such kind of actors".into())]))
}
