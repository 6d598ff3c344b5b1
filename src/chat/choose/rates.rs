//! How often a tenant and a user may ask (`ai.tenant_turns`, `ai.user_turns`).

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    ai::Error,
    clock::Clock,
    config::Rate,
    ids::{TenantId, UserId},
};

/// Buckets that are remembered before full ones are forgotten.
const REMEMBERED: usize = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Whose {
    Tenant(TenantId),
    User(TenantId, UserId),
}

struct Bucket {
    left: f64,
    at: Instant,
}

/// Shared by all rooms.
pub(super) struct Rates {
    clock: Clock,
    tenant: Rate,
    user: Rate,
    buckets: Mutex<HashMap<Whose, Bucket>>,
}

impl Rates {
    pub fn new(tenant: Rate, user: Rate, clock: Clock) -> Self {
        Self { clock, tenant, user, buckets: Mutex::default() }
    }

    /// Takes one turn, of both or of none.
    pub fn take(&self, tenant: &TenantId, user: &UserId) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let mut buckets = self.buckets.lock();
        if buckets.len() >= REMEMBERED {
            // A bucket that nobody has touched for long is full again.
            let full = |bucket: &Bucket| now.saturating_duration_since(bucket.at) > Duration::from_secs(3600);
            buckets.retain(|_, bucket| !full(bucket));
        }
        let whose = [
            (Whose::Tenant(tenant.clone()), &self.tenant, "this tenant asks too often (ai.tenant_turns)"),
            (Whose::User(tenant.clone(), user.clone()), &self.user, "you ask too often (ai.user_turns)"),
        ];
        for (whose, rate, words) in &whose {
            let bucket = buckets.entry(whose.clone()).or_insert(Bucket { left: rate.burst as f64, at: now });
            let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * rate.refill();
            bucket.left = (bucket.left + gained).min(rate.burst as f64);
            bucket.at = now;
            if bucket.left < 1.0 {
                let wait = ((1.0 - bucket.left) / rate.refill().max(f64::MIN_POSITIVE)).ceil().min(86_400.0);
                return Err(Error::Limited(format!("{words}: try again in {wait} s")));
            }
        }
        for (whose, ..) in &whose {
            if let Some(bucket) = buckets.get_mut(whose) {
                bucket.left -= 1.0;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_and_a_user_have_bounds_of_their_own() {
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let each = |amount| Rate::each(amount, Duration::from_secs(60));
        let rates = Rates::new(each(3), each(2), clock.clone());
        let (tenant, ann, bob) = (TenantId::trusted("t"), UserId::trusted("ann"), UserId::trusted("bob"));
        let told = |user: &UserId| rates.take(&tenant, user).map_err(|error| error.to_string());
        assert_eq!((told(&ann), told(&ann)), (Ok(()), Ok(())));
        assert!(told(&ann).unwrap_err().contains("ai.user_turns"));
        assert_eq!(told(&bob), Ok(()), "a refused turn takes nothing from the tenant");
        assert!(told(&bob).unwrap_err().contains("ai.tenant_turns"));
        clock.advance(Duration::from_secs(60));
        assert_eq!(told(&ann), Ok(()));
        assert_eq!(rates.take(&TenantId::trusted("other"), &ann), Ok(()));
    }
}
