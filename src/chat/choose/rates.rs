//! How often a tenant and a user may ask (`ai.tenant_turns`, `ai.user_turns`).

use std::time::Duration;

use crate::{
    ai::Error,
    buckets::Buckets,
    clock::Clock,
    config::Rate,
    ids::{TenantId, UserId},
};

/// Shared by all rooms.
pub(super) struct Rates {
    clock: Clock,
    tenants: Buckets<TenantId>,
    users: Buckets<(TenantId, UserId)>,
}

impl Rates {
    pub fn new(tenant: Rate, user: Rate, clock: Clock) -> Self {
        Self { clock, tenants: Buckets::new(tenant), users: Buckets::new(user) }
    }

    /// Takes one turn, of both or of none.
    pub fn take(&self, tenant: &TenantId, user: &UserId) -> Result<(), Error> {
        let now = self.clock.monotonic();
        let limited = |words: &str, wait: Duration| {
            let wait = wait.as_secs_f64().ceil().min(86_400.0);
            Error::Limited(format!("{words}: try again in {wait} s"))
        };
        let whose = (tenant.clone(), user.clone());
        let taken = self.users.take(&whose, now);
        taken.map_err(|wait| limited("you ask too often (ai.user_turns)", wait))?;
        self.tenants.take(tenant, now).map_err(|wait| {
            self.users.give_back(&whose);
            limited("this tenant asks too often (ai.tenant_turns)", wait)
        })
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
