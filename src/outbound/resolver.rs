//! Names become addresses here, and only permitted ones are handed to the connector: what was
//! checked is what is called (`faults.md` A49).

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::{is_here, is_public};

/// The addresses of a name.
pub(crate) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Who knows the addresses of names.
pub(crate) trait Lookup: Send + Sync {
    /// All of them, now.
    fn lookup(&self, name: String) -> Found;
}

/// The machine's resolver.
pub(crate) struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> Found {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A name has no permitted address.
#[derive(Debug, thiserror::Error)]
#[error("the name has no public address")]
pub(super) struct Blocked;

/// A resolver that keeps to itself what may not be called.
#[derive(Clone)]
pub(super) struct Resolver {
    pub lookup: Arc<dyn Lookup>,
    /// Only public addresses.
    pub guarded: bool,
    /// Only other machines.
    pub away: bool,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("guarded", &self.guarded).finish_non_exhaustive()
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str().to_owned());
        let (guarded, away) = (self.guarded, self.away);
        Box::pin(async move {
            let mut addresses = found.await?;
            if (guarded || away) && !addresses.is_empty() {
                addresses.retain(|address| (!guarded || is_public(*address)) && !(away && is_here(*address)));
                if addresses.is_empty() {
                    return Err(Blocked.into());
                }
            }
            // The connector puts the URL's port in place of 0.
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}
