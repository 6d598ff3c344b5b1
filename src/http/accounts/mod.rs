//! Tenants, users, members, roles, API keys, the audit: for operators under `/admin/v1`, for a
//! tenant's `ADMIN` under `/api/v1/tenants/{tenantID}`. Both go through the same functions; what a
//! tenant's own people may grant is bounded by what they may do themselves.

mod actors;
mod keys;
mod members;
mod roles;
mod tenants;
mod users;

use super::routes::{
    Access::{Platform, Tenant},
    Route, row,
};
use crate::{
    auth::Permission::{
        ApiKeyCreate, ApiKeyDelete, ApiKeyList, ApiKeyUpdate, MemberCreate, MemberDelete, MemberList,
        MemberUpdate,
    },
    error::Code::{ActorNotFound, NotFound},
};

/// Rows for operators.
pub(super) const OF_PLATFORM: &[Route] = &[
    row("GET", "/admin/v1/tenants", Platform, NotFound, |a| Box::pin(tenants::list(a))),
    row("POST", "/admin/v1/tenants", Platform, NotFound, |a| Box::pin(tenants::create(a))),
    row("GET", "/admin/v1/tenants/{tenantID}", Platform, NotFound, |a| Box::pin(tenants::get(a))),
    row("PATCH", "/admin/v1/tenants/{tenantID}", Platform, NotFound, |a| Box::pin(tenants::update(a))),
    row("GET", "/admin/v1/users", Platform, NotFound, |a| Box::pin(users::list(a))),
    row("POST", "/admin/v1/users", Platform, NotFound, |a| Box::pin(users::create(a))),
    row("GET", "/admin/v1/users/{userID}", Platform, NotFound, |a| Box::pin(users::get(a))),
    row("PATCH", "/admin/v1/users/{userID}", Platform, NotFound, |a| Box::pin(users::update(a))),
    row("GET", "/admin/v1/tenants/{tenantID}/members", Platform, NotFound, |a| Box::pin(members::list(a))),
    row("POST", "/admin/v1/tenants/{tenantID}/members", Platform, NotFound, |a| Box::pin(members::create(a))),
    row("PUT", "/admin/v1/tenants/{tenantID}/members/{userID}", Platform, NotFound, |a| {
        Box::pin(members::update(a))
    }),
    row("DELETE", "/admin/v1/tenants/{tenantID}/members/{userID}", Platform, NotFound, |a| {
        Box::pin(members::delete(a))
    }),
    row("GET", "/admin/v1/tenants/{tenantID}/roles", Platform, NotFound, |a| Box::pin(roles::list(a))),
    row("PUT", "/admin/v1/tenants/{tenantID}/roles/{roleTitle}", Platform, NotFound, |a| {
        Box::pin(roles::put(a))
    }),
    row("DELETE", "/admin/v1/tenants/{tenantID}/roles/{roleTitle}", Platform, NotFound, |a| {
        Box::pin(roles::delete(a))
    }),
    row("GET", "/admin/v1/tenants/{tenantID}/apikeys", Platform, NotFound, |a| Box::pin(keys::list(a))),
    row("POST", "/admin/v1/tenants/{tenantID}/apikeys", Platform, NotFound, |a| Box::pin(keys::create(a))),
    row("PATCH", "/admin/v1/tenants/{tenantID}/apikeys/{apiKeyID}", Platform, NotFound, |a| {
        Box::pin(keys::update(a))
    }),
    row("DELETE", "/admin/v1/tenants/{tenantID}/apikeys/{apiKeyID}", Platform, NotFound, |a| {
        Box::pin(keys::delete(a))
    }),
    row("GET", "/admin/v1/audit", Platform, NotFound, |a| Box::pin(tenants::audit(a))),
    row("GET", "/admin/v1/actors", Platform, ActorNotFound, |a| Box::pin(actors::list(a))),
    row("POST", "/admin/v1/actors/{kind}/{id}/restart", Platform, ActorNotFound, |a| {
        Box::pin(actors::restart(a))
    }),
];

/// Rows for the people of a tenant.
pub(super) const OF_TENANT: &[Route] = &[
    row("GET", "/api/v1/tenants/{tenantID}/members", Tenant(&[MemberList]), NotFound, |a| {
        Box::pin(members::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/members", Tenant(&[MemberCreate]), NotFound, |a| {
        Box::pin(members::create(a))
    }),
    row("PUT", "/api/v1/tenants/{tenantID}/members/{userID}", Tenant(&[MemberUpdate]), NotFound, |a| {
        Box::pin(members::update(a))
    }),
    row("DELETE", "/api/v1/tenants/{tenantID}/members/{userID}", Tenant(&[MemberDelete]), NotFound, |a| {
        Box::pin(members::delete(a))
    }),
    row("GET", "/api/v1/tenants/{tenantID}/roles", Tenant(&[MemberList]), NotFound, |a| {
        Box::pin(roles::list(a))
    }),
    row("PUT", "/api/v1/tenants/{tenantID}/roles/{roleTitle}", Tenant(&[MemberUpdate]), NotFound, |a| {
        Box::pin(roles::put(a))
    }),
    row("DELETE", "/api/v1/tenants/{tenantID}/roles/{roleTitle}", Tenant(&[MemberDelete]), NotFound, |a| {
        Box::pin(roles::delete(a))
    }),
    row("GET", "/api/v1/tenants/{tenantID}/apikeys", Tenant(&[ApiKeyList]), NotFound, |a| {
        Box::pin(keys::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/apikeys", Tenant(&[ApiKeyCreate]), NotFound, |a| {
        Box::pin(keys::create(a))
    }),
    row("PATCH", "/api/v1/tenants/{tenantID}/apikeys/{apiKeyID}", Tenant(&[ApiKeyUpdate]), NotFound, |a| {
        Box::pin(keys::update(a))
    }),
    row("DELETE", "/api/v1/tenants/{tenantID}/apikeys/{apiKeyID}", Tenant(&[ApiKeyDelete]), NotFound, |a| {
        Box::pin(keys::delete(a))
    }),
];
