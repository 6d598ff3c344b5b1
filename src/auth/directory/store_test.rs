//! Accounts over a real file: what is asked is there afterwards, with one audit row, or nothing is.

use std::sync::Arc;

use jiff::Timestamp;

use super::{StoreDirectory, rows::*};
use crate::{
    auth::{ADMIN, Auth, By, Error, Identity, NewApiKey, NewTenant, NewUser, Permission, Proof},
    clock::Clock,
    config::sections::{Database, Journal},
    ids::{ApiKeyId, HubId, TenantId, UserId},
    store::{Store, tables::ListPage},
};

struct Place {
    auth: Auth,
    _dir: tempfile::TempDir,
}

fn open() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::real();
    let (database, journal) = (Database::default(), Journal::default());
    let store = Store::open(&database, &journal, dir.path(), HubId::generate(), clock.clone()).unwrap();
    Place { auth: Auth::offline(Arc::new(StoreDirectory::new(store)), clock), _dir: dir }
}

fn by() -> By {
    By { who: "test".into(), request: Some("r1".into()), ip: Some("192.0.2.1".into()) }
}

fn tenant(id: &str) -> TenantId {
    TenantId::parse(id).unwrap()
}

async fn new_tenant(auth: &Auth, id: &str) -> TenantId {
    let new = NewTenant { id: Some(tenant(id)), ..NewTenant::default() };
    auth.create_tenant(&by(), None, new).await.unwrap().id
}

async fn new_user(auth: &Auth, subject: &str) -> User {
    auth.create_user(&by(), NewUser { subject: subject.into(), ..NewUser::default() }).await.unwrap()
}

fn identity(user: &User) -> Identity {
    Identity {
        subject: user.subject.clone(),
        user: Some(user.id.clone()),
        email: None,
        platform_admin: false,
        proof: Proof::Token { expires_at: Timestamp::MAX },
    }
}

async fn audited(auth: &Auth) -> Vec<String> {
    let rows = auth.directory().audit(None, ListPage::default()).await.unwrap().rows;
    rows.into_iter().map(|row| row.action).collect()
}

#[tokio::test]
async fn a_change_leaves_one_audit_row_and_a_refused_one_none() {
    let place = open();
    let auth = &place.auth;
    let acme = new_tenant(auth, "acme").await;
    let again = NewTenant { id: Some(acme.clone()), ..NewTenant::default() };
    assert_eq!(auth.create_tenant(&by(), None, again).await, Err(Error::Conflict("tenant")));
    let ann = new_user(auth, "ann").await;
    let twin = NewUser { subject: "ann".into(), ..NewUser::default() };
    assert_eq!(auth.create_user(&by(), twin).await, Err(Error::Conflict("user")));
    let nobody = UserId::generate();
    assert_eq!(auth.put_member(&by(), &acme, &nobody, ADMIN).await, Err(Error::NotFound("user")));
    let nowhere = tenant("nowhere");
    assert_eq!(auth.put_member(&by(), &nowhere, &ann.id, ADMIN).await, Err(Error::NotFound("tenant")));
    assert_eq!(auth.delete_member(&by(), &acme, &ann.id).await, Err(Error::NotFound("member")));
    assert_eq!(audited(auth).await, ["user.create", "tenant.create"]);
    let row = auth.directory().audit(None, ListPage::default()).await.unwrap().rows.remove(0);
    assert_eq!((row.ip.as_deref(), row.request.as_deref()), (Some("192.0.2.1"), Some("r1")));
    assert_eq!(row.details, serde_json::json!({ "firebaseID": "ann", "isPlatformAdmin": false }));
}

#[tokio::test]
async fn a_member_may_what_its_role_grants_until_it_does_not() {
    let place = open();
    let auth = &place.auth;
    let (acme, ann) = (new_tenant(auth, "acme").await, new_user(auth, "ann").await);
    let may = async |p| auth.authorize(&identity(&ann), p, &acme).await;
    assert_eq!(may(Permission::WorkflowRead).await, Err(Error::NotAMember));
    auth.put_member(&by(), &acme, &ann.id, "MEMBER").await.unwrap();
    assert_eq!(may(Permission::WorkflowRead).await, Ok(()));
    assert_eq!(may(Permission::WorkflowCreate).await, Err(Error::Denied));

    let unknown = auth.put_member(&by(), &acme, &ann.id, "editor").await;
    assert!(matches!(unknown, Err(Error::Invalid(_))));
    let names = vec!["tenant:workflow:create".to_owned(), "tenant:workflow:create".to_owned()];
    let role = auth.put_role(&by(), &acme, "editor", names).await.unwrap();
    assert_eq!(role.permissions, ["tenant:workflow:create"]);
    assert_eq!(auth.directory().roles(acme.clone()).await.unwrap(), [role]);
    auth.put_member(&by(), &acme, &ann.id, "editor").await.unwrap();
    assert_eq!(may(Permission::WorkflowCreate).await, Ok(()));
    assert_eq!(may(Permission::WorkflowRead).await, Err(Error::Denied));
    auth.delete_role(&by(), &acme, "editor").await.unwrap();
    assert_eq!(may(Permission::WorkflowCreate).await, Err(Error::Denied));
    assert_eq!(auth.delete_role(&by(), &acme, "editor").await, Err(Error::NotFound("role")));

    auth.put_member(&by(), &acme, &ann.id, ADMIN).await.unwrap();
    let patch = TenantPatch { is_disabled: Some(true), ..TenantPatch::default() };
    assert!(auth.update_tenant(&by(), &acme, patch).await.unwrap().disabled_at.is_some());
    assert_eq!(may(Permission::WorkflowRead).await, Err(Error::Denied));
    let patch = TenantPatch { is_disabled: Some(false), ..TenantPatch::default() };
    assert!(auth.update_tenant(&by(), &acme, patch).await.unwrap().disabled_at.is_none());
    assert_eq!(may(Permission::WorkflowRead).await, Ok(()));
    let patch = UserPatch { is_disabled: Some(true), ..UserPatch::default() };
    auth.update_user(&by(), &ann.id, patch).await.unwrap();
    assert_eq!(may(Permission::WorkflowRead).await, Err(Error::Denied));
    auth.delete_member(&by(), &acme, &ann.id).await.unwrap();
    assert_eq!(may(Permission::WorkflowRead).await, Err(Error::NotAMember));
}

#[tokio::test]
async fn a_key_opens_its_tenant_until_it_is_disabled_or_gone() {
    let place = open();
    let auth = &place.auth;
    let (acme, other) = (new_tenant(auth, "acme").await, new_tenant(auth, "other").await);
    let new = || NewApiKey { title: "ci".into(), ..NewApiKey::default() };
    let (row, secret) = auth.create_api_key(&by(), &acme, None, new()).await.unwrap();
    assert_eq!(row.role.as_deref(), Some("MEMBER"), "an operator's key has a role");
    let verify = async || {
        let header = format!("api_key {}", secret.expose());
        let found = |name: &str| (name == "authorization").then_some(header.as_str());
        auth.verify(crate::auth::Credentials::from_request(found, "")).await
    };
    let key = verify().await.unwrap();
    assert_eq!((key.subject.as_str(), key.platform_admin), (row.id.as_str(), false));
    assert_eq!(auth.authorize(&key, Permission::WorkflowExecute, &acme).await, Ok(()));
    assert_eq!(auth.authorize(&key, Permission::WorkflowExecute, &other).await, Err(Error::NotAMember));

    assert_eq!(auth.revoke_api_key(&by(), &other, &row.id).await, Err(Error::NotFound("API key")));
    assert!(auth.disable_api_key(&by(), &acme, &row.id, true).await.unwrap().is_disabled);
    assert_eq!(verify().await, Err(Error::ApiKey { reason: "key_disabled" }));
    assert_eq!(auth.authorize(&key, Permission::WorkflowExecute, &acme).await, Err(Error::Denied));
    auth.revoke_api_key(&by(), &acme, &row.id).await.unwrap();
    assert_eq!(verify().await, Err(Error::ApiKey { reason: "key_unknown" }));
    assert_eq!(auth.authorize(&key, Permission::WorkflowExecute, &acme).await, Err(Error::NotAMember));

    let ann = new_user(auth, "ann").await;
    let (row, _) = auth.create_api_key(&by(), &acme, Some(&ann.id), new()).await.unwrap();
    let stored = auth.directory().api_key(acme.clone(), row.id.clone()).await.unwrap().unwrap();
    assert_eq!((stored.role, stored.creator), (None, Some(ann.id)));
    let nowhere = auth.create_api_key(&by(), &tenant("nowhere"), None, new()).await;
    assert_eq!(nowhere.map(|_| ()), Err(Error::NotFound("tenant")));
    assert_eq!(auth.directory().api_key(other, ApiKeyId::generate()).await, Ok(None));
}

#[tokio::test]
async fn a_person_without_a_credential_at_hand_may_what_is_true_now() {
    let place = open();
    let auth = &place.auth;
    let (acme, other) = (new_tenant(auth, "acme").await, new_tenant(auth, "other").await);
    let ann = new_user(auth, "ann").await;
    let execute = Permission::WorkflowExecute;
    let may = async |key: Option<&ApiKeyId>, permission: Permission, tenant: &TenantId| {
        auth.permissions_of(&ann.id, key, tenant).await.map(|all| all.contains(permission))
    };
    assert_eq!(may(None, execute, &acme).await, Err(Error::NotAMember));
    auth.put_member(&by(), &acme, &ann.id, ADMIN).await.unwrap();
    assert_eq!(may(None, execute, &acme).await, Ok(true));
    assert_eq!(may(None, execute, &other).await, Err(Error::NotAMember));

    // A key narrows, also when its role is narrowed later, and is refused when it is disabled or gone.
    auth.put_role(&by(), &acme, "starter", vec!["tenant:workflow:execute".to_owned()]).await.unwrap();
    let new = NewApiKey { title: "k".into(), role: Some("starter".into()), ..NewApiKey::default() };
    let (key, _) = auth.create_api_key(&by(), &acme, Some(&ann.id), new).await.unwrap();
    assert_eq!(may(Some(&key.id), execute, &acme).await, Ok(true));
    assert_eq!(may(Some(&key.id), Permission::DataSourceRead, &acme).await, Ok(false));
    auth.put_role(&by(), &acme, "starter", vec!["tenant:workflow:read".to_owned()]).await.unwrap();
    assert_eq!(may(Some(&key.id), execute, &acme).await, Ok(false));
    assert_eq!(may(Some(&ApiKeyId::generate()), execute, &acme).await, Err(Error::NotAMember));
    auth.put_member(&by(), &other, &ann.id, ADMIN).await.unwrap();
    assert_eq!(may(Some(&key.id), execute, &other).await, Err(Error::NotAMember), "a key of acme");
    auth.disable_api_key(&by(), &acme, &key.id, true).await.unwrap();
    assert_eq!(may(Some(&key.id), execute, &acme).await, Err(Error::Denied));

    // Another's key lends nobody its rights.
    let bob = new_user(auth, "bob").await;
    auth.put_member(&by(), &acme, &bob.id, "starter").await.unwrap();
    let new = NewApiKey { title: "a".into(), ..NewApiKey::default() };
    let (whole, _) = auth.create_api_key(&by(), &acme, Some(&ann.id), new).await.unwrap();
    let of_bob = auth.permissions_of(&bob.id, Some(&whole.id), &acme).await.unwrap();
    assert!(!of_bob.contains(execute) && of_bob.contains(Permission::WorkflowRead));

    auth.update_user(&by(), &ann.id, UserPatch { is_disabled: Some(true), ..UserPatch::default() })
        .await
        .unwrap();
    assert_eq!(may(None, execute, &acme).await, Err(Error::Denied));
    assert_eq!(may(Some(&whole.id), execute, &acme).await, Err(Error::Denied));
    auth.delete_member(&by(), &acme, &ann.id).await.unwrap();
    assert_eq!(may(None, execute, &acme).await, Err(Error::NotAMember));
}

#[tokio::test]
async fn lists_come_in_pages_newest_first() {
    let place = open();
    let auth = &place.auth;
    for id in ["a", "b", "c"] {
        new_tenant(auth, id).await;
    }
    let titles = |rows: Vec<Tenant>| rows.into_iter().map(|row| row.title).collect::<Vec<_>>();
    let page = ListPage { page_size: 2, ..ListPage::default() };
    let first = auth.directory().tenants(page.clone()).await.unwrap();
    assert_eq!((first.total, titles(first.rows)), (3, vec!["c".to_owned(), "b".to_owned()]));
    let next = ListPage { cursor: first.next_cursor, ..page };
    let second = auth.directory().tenants(next).await.unwrap();
    assert_eq!((second.next_cursor, titles(second.rows)), (None, vec!["a".to_owned()]));
    let bad = ListPage { cursor: Some("!".into()), ..ListPage::default() };
    assert!(matches!(auth.directory().tenants(bad).await, Err(Error::Invalid(_))));
}
