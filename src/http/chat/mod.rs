//! Chat rooms by REST: what a page does beside talking. Who is not in a room finds none; what only the
//! owner may do, the room itself refuses.

mod members;
mod rooms;
mod shown;

use super::routes::{Access::Tenant, Route, row};
use crate::{auth::Permission::AiChat, error::Code::RoomNotFound};

/// The rows.
pub(super) const ROUTES: &[Route] = &[
    row("GET", "/api/v1/tenants/{tenantID}/chat/rooms", Tenant(&[AiChat]), RoomNotFound, |a| {
        Box::pin(rooms::list(a))
    }),
    row("GET", "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}", Tenant(&[AiChat]), RoomNotFound, |a| {
        Box::pin(rooms::get(a))
    }),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(rooms::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(rooms::delete(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}/export",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(rooms::export(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}/members",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(members::list(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}/members",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(members::add(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/chat/rooms/{chatRoomID}/members/{userID}",
        Tenant(&[AiChat]),
        RoomNotFound,
        |a| Box::pin(members::remove(a)),
    ),
];
