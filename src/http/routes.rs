//! The one table of routes. Tests walk it (`faults.md` A16), so a route cannot be forgotten there.

use actix_web::web::{self, ServiceConfig};
use futures_util::future::LocalBoxFuture;

use super::{Answer, Asked, Failure, Hub, accounts, chat, entities, gate, open, workflows};
use crate::{auth::Permission, error::Code};

/// What carries a request out.
pub(super) type Handler = fn(Asked) -> LocalBoxFuture<'static, Result<Answer, Failure>>;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Open,
    /// Who comes from loopback, or a platform admin.
    Operations,
    /// A platform admin.
    Platform,
    /// Who has all these permissions in the tenant that the address names.
    Tenant(&'static [Permission]),
}

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The address, with `{names}` of its parts.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What a subject that does not exist is answered, and so a tenant that does not.
    pub missing: Code,
    /// What carries it out.
    pub(super) handler: Handler,
}

/// Writes a row: `row("GET", "/x", access, missing, |asked| Box::pin(handler(asked)))`.
pub(super) const fn row(
    method: &'static str,
    path: &'static str,
    access: Access,
    missing: Code,
    handler: Handler,
) -> Route {
    Route { method, path, access, missing, handler }
}

const TABLES: &[&[Route]] = &[
    open::ROUTES,
    accounts::OF_PLATFORM,
    accounts::OF_TENANT,
    workflows::ROUTES,
    entities::ROUTES,
    chat::ROUTES,
];

/// All rows. Of two addresses that fit a request the first counts.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// Puts all routes into an actix-web application, whose data holds a [`Hub`]. Other addresses get the
/// answer for unknown ones, so whatever else the application serves is to be put in before.
pub fn configure(config: &mut ServiceConfig, hub: web::Data<Hub>) {
    let mut addresses: Vec<(&'static str, Vec<&'static Route>)> = Vec::new();
    for route in routes() {
        match addresses.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, of)) => of.push(route),
            None => addresses.push((route.path, vec![route])),
        }
    }
    config.app_data(hub);
    for (path, of) in addresses {
        // Once a worker at start: the table lives as long as the process.
        let of: &'static [&'static Route] = Vec::leak(of);
        let carry = move |hub, request, payload| gate::pass(hub, of, request, payload);
        config.service(web::resource(path).route(web::route().to(carry)));
    }
    config.default_service(web::route().to(gate::nothing_here));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_reachable_and_guarded() {
        let mut seen = HashSet::new();
        for route in routes() {
            assert!(seen.insert((route.method, route.path)), "{} {} twice", route.method, route.path);
            let tenant = matches!(route.access, Access::Tenant(permissions) if !permissions.is_empty());
            assert_eq!(route.path.starts_with("/api/v1/tenants/{tenantID}"), tenant, "{}", route.path);
            assert_eq!(route.path.starts_with("/admin/"), route.access == Access::Platform, "{}", route.path);
            assert_eq!(route.missing.status(), 404, "{}", route.path);
        }
    }
}
