//! Keys of issuers come through the one outgoing client; their addresses are the operator's own.

use std::{sync::Arc, time::Duration};

use crate::{
    auth::{FetchJwks, Fetched},
    config::sections::Auth,
    outbound::{Outbound, Redirects, Request},
};

/// What `auth` fetches key sets with.
pub(super) fn fetcher(outbound: Outbound, settings: &Auth) -> Arc<dyn FetchJwks> {
    Arc::new(Keys { outbound, max_bytes: *settings.jwks_max_bytes, timeout: *settings.jwks_timeout })
}

struct Keys {
    outbound: Outbound,
    max_bytes: usize,
    timeout: Duration,
}

impl FetchJwks for Keys {
    fn fetch(&self, url: &str) -> Fetched {
        let request = Request {
            // A set that moves to another host would be somebody else's keys (faults.md A10).
            redirects: Redirects::SameOrigin,
            max_body: Some(self.max_bytes),
            timeout: Some(self.timeout),
            ..Request::get(url).trusted().header("accept", "application/json")
        };
        let outbound = self.outbound.clone();
        Box::pin(async move {
            let answer = outbound.send(request).await.map_err(|error| error.to_string())?;
            if answer.status == 200 {
                Ok(answer.body)
            } else {
                Err(format!("the address answered {}", answer.status))
            }
        })
    }
}
