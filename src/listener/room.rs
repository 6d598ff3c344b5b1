//! The names of rooms, and whose they are.

use crate::{
    delivery::Subject,
    ids::{ListenerId, TenantId},
};

/// What a client enters by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Room {
    /// `listener_test:<listenerID>`: events under test.
    Test(ListenerId),
    /// `listener:<listenerID>`: events of one listener.
    Listener(ListenerId),
    /// `tenant:<tenantID>`: events for everybody of a tenant.
    Tenant(TenantId),
}

impl Room {
    /// `None` for a name that is no room: the name space of the hub is not reachable from payloads.
    pub fn parse(name: &str) -> Option<Self> {
        let (prefix, id) = name.split_once(':')?;
        match prefix {
            "listener_test" => ListenerId::parse(id).ok().map(Self::Test),
            "listener" => ListenerId::parse(id).ok().map(Self::Listener),
            "tenant" => TenantId::parse(id).ok().map(Self::Tenant),
            _ => None,
        }
    }

    /// What its members watch. Ids of listeners are the hub's own, and so are unique over tenants.
    pub(super) fn subject(&self) -> Subject {
        let name = match self {
            Self::Test(id) => format!("listener_test:{id}"),
            Self::Listener(id) => format!("listener:{id}"),
            Self::Tenant(id) => format!("tenant:{id}"),
        };
        Subject::trusted(&name)
    }
}

/// A room that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Whose.
    pub tenant: TenantId,
    /// Beside being a member of the tenant, one needs to read the listener.
    pub of_listener: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_no_rooms_are_none() {
        let id = ListenerId::trusted("l");
        assert_eq!(Room::parse("listener_test:l"), Some(Room::Test(id.clone())));
        assert_eq!(Room::parse("listener:l"), Some(Room::Listener(id)));
        assert_eq!(Room::parse("tenant:5"), Some(Room::Tenant(TenantId::trusted("5"))));
        let long = format!("tenant:{}", "x".repeat(129));
        for name in [
            "",
            "tenant",
            "tenant:",
            "run:r",
            "widget:t/w",
            "chat:c",
            " tenant:5",
            "Tenant:5",
            "tenant:\0",
            &long,
        ] {
            assert_eq!(Room::parse(name), None, "{name:?}");
        }
    }
}
