//! Tables beside the journal: accounts, definitions, audit, lists.

use super::bed::{at, both, new_run, open};
use crate::{
    ids::{ApiKeyId, RequestId, TenantId, UserId, WorkflowId},
    store::{
        Connection, Error, Store, Unique,
        tables::{ListPage, Listed, api_keys, audit, definitions, members, roles, runs, tenants, users},
    },
};

async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    store.write(f).await
}

fn tenant(id: &str) -> tenants::NewTenant {
    tenants::NewTenant {
        tenant_id: TenantId::trusted(id),
        title: format!("Tenant {id}"),
        timezone: "UTC".to_owned(),
        creator_id: None,
        at: at(1),
    }
}

fn user(id: &str, second: i64) -> users::NewUser {
    users::NewUser {
        user_id: UserId::trusted(id),
        subject: format!("firebase {id}"),
        email: None,
        first_name: None,
        last_name: None,
        is_platform_admin: false,
        at: at(second),
    }
}

fn workflow(id: &str, title: &str, second: i64) -> definitions::NewWorkflow {
    definitions::NewWorkflow {
        workflow_id: WorkflowId::trusted(id),
        tenant_id: TenantId::trusted("t"),
        title: title.to_owned(),
        description: None,
        options: "{}".to_owned(),
        folder_id: None,
        nodes: "[]".to_owned(),
        edges: "[]".to_owned(),
        creator_id: None,
        created_by_api_key_id: None,
        at: at(second),
    }
}

/// Reads a list by its cursor and by page numbers: both give all rows, newest first, once.
async fn pages<T: Send + 'static>(
    store: &Store,
    name: impl Fn(&T) -> String,
    list: impl Fn(&mut Connection, &ListPage) -> Result<Listed<T>, Error> + Clone + Send + 'static,
) -> Vec<String> {
    let (mut by_cursor, mut by_number) = (Vec::new(), Vec::new());
    let mut page = ListPage { page_size: 3, ..ListPage::default() };
    loop {
        let (list, wanted) = (list.clone(), page.clone());
        let found = store.read(move |c| list(c, &wanted)).await.unwrap();
        by_cursor.extend(found.rows.iter().map(&name));
        match found.next_cursor {
            Some(cursor) => page.cursor = Some(cursor),
            None => break,
        }
    }
    for number in 1.. {
        let (list, wanted) = (list.clone(), ListPage { page: number, page_size: 3, cursor: None });
        let found = store.read(move |c| list(c, &wanted)).await.unwrap();
        assert_eq!(found.total, by_cursor.len() as i64);
        if found.rows.is_empty() {
            break;
        }
        by_number.extend(found.rows.iter().map(&name));
    }
    assert_eq!(by_cursor, by_number);
    by_cursor
}

#[test]
fn tenants_users_and_members() {
    both(async |database| {
        let store = open(database);
        let made = write(&store, |c| tenants::insert(c, &tenant("t"))).await.unwrap();
        assert_eq!((made.title.as_str(), made.is_disabled), ("Tenant t", false));
        let twice = write(&store, |c| tenants::insert(c, &tenant("t"))).await;
        assert!(matches!(twice, Err(Error::Duplicate(Unique::Tenant))), "{twice:?}");
        write(&store, |c| users::insert(c, &user("u", 1))).await.unwrap();
        let same = users::NewUser { user_id: UserId::trusted("v"), ..user("u", 1) };
        let twice = write(&store, move |c| users::insert(c, &same)).await;
        assert!(matches!(twice, Err(Error::Duplicate(Unique::User))), "{twice:?}");
        let found = store.read(|c| users::by_subject(c, "firebase u")).await.unwrap().unwrap();
        assert_eq!(found.user_id.as_str(), "u");

        let (t, u) = (TenantId::trusted("t"), UserId::trusted("u"));
        let join = |tenant: &str| {
            let (t, u) = (TenantId::trusted(tenant), UserId::trusted("u"));
            write(&store, move |c| members::insert(c, &t, &u, "MEMBER", at(2)))
        };
        join("t").await.unwrap();
        let twice = join("t").await;
        assert!(matches!(twice, Err(Error::Duplicate(Unique::Member))), "{twice:?}");
        let nowhere = join("nowhere").await;
        assert!(matches!(nowhere, Err(Error::Reference)), "{nowhere:?}");
        let member = store
            .read({
                let (t, u) = (t.clone(), u.clone());
                move |c| members::find(c, &t, &u)
            })
            .await;
        assert_eq!(member.unwrap().unwrap().role, "MEMBER");

        let change = users::UserChange { is_disabled: Some(true), ..Default::default() };
        write(&store, {
            let u = u.clone();
            move |c| users::update(c, &u, &change, at(3))
        })
        .await
        .unwrap();
        let found = store.read(move |c| users::find(c, &u)).await.unwrap().unwrap();
        assert_eq!((found.is_disabled, found.updated_at, found.email), (true, at(3), None));
        write(&store, {
            let t = t.clone();
            move |c| tenants::set_disabled(c, &t, Some("unpaid"), at(4))
        })
        .await
        .unwrap();
        let found = store.read(move |c| tenants::find(c, &t)).await.unwrap().unwrap();
        assert_eq!((found.is_disabled, found.disable_reason.as_deref()), (true, Some("unpaid")));
    });
}

#[test]
fn keys_and_roles() {
    both(async |database| {
        let store = open(database);
        write(&store, |c| tenants::insert(c, &tenant("t"))).await.unwrap();
        let key = |id: &str, tenant: &str| api_keys::NewApiKey {
            api_key_id: ApiKeyId::trusted(id),
            tenant_id: TenantId::trusted(tenant),
            title: "CI".to_owned(),
            prefix: "jhk_abcd".to_owned(),
            hash: format!("hash of {id}"),
            role: "MEMBER".to_owned(),
            creator_id: None,
            expires_at: Some(at(100)),
            at: at(1),
        };
        let new = key("k", "t");
        write(&store, move |c| api_keys::insert(c, &new)).await.unwrap();
        let nowhere = key("l", "nowhere");
        assert!(matches!(write(&store, move |c| api_keys::insert(c, &nowhere)).await, Err(Error::Reference)));
        let found = store.read(|c| api_keys::by_hash(c, "hash of k")).await.unwrap().unwrap();
        assert_eq!((found.api_key_id.as_str(), found.expires_at), ("k", Some(at(100))));
        let (t, k) = (TenantId::trusted("t"), ApiKeyId::trusted("k"));
        let foreign = store
            .read({
                let k = k.clone();
                move |c| api_keys::find(c, &TenantId::trusted("x"), &k)
            })
            .await;
        assert_eq!(foreign.unwrap(), None, "a key is found in its own tenant only");
        write(&store, {
            let t = t.clone();
            move |c| api_keys::remove(c, &t, &k)
        })
        .await
        .unwrap();

        let set = |permissions: &[&str]| {
            let (t, all): (_, Vec<String>) =
                (t.clone(), permissions.iter().map(|p| (*p).to_owned()).collect());
            write(&store, move |c| roles::set(c, &t, "VIEWER", &all))
        };
        set(&["tenant:workflow:read", "tenant:workflow:list"]).await.unwrap();
        let t2 = t.clone();
        let found = store.read(move |c| roles::permissions(c, &t2, "VIEWER")).await.unwrap();
        assert_eq!(found, ["tenant:workflow:list", "tenant:workflow:read"]);
        set(&[]).await.unwrap();
        assert_eq!(store.read(move |c| roles::of_tenant(c, &t)).await.unwrap(), []);
    });
}

#[test]
fn every_save_is_a_version() {
    both(async |database| {
        let store = open(database);
        write(&store, |c| tenants::insert(c, &tenant("t"))).await.unwrap();
        write(&store, |c| definitions::insert(c, &workflow("w", "Sales", 1))).await.unwrap();
        let (t, w) = (TenantId::trusted("t"), WorkflowId::trusted("w"));
        let change = definitions::WorkflowChange { nodes: Some("[1]".to_owned()), ..Default::default() };
        let saved = write(&store, {
            let (t, w) = (t.clone(), w.clone());
            move |c| definitions::update(c, &t, &w, &change, at(2))
        });
        let saved = saved.await.unwrap();
        assert_eq!(
            (saved.row.version, saved.row.title.as_str(), saved.graph.nodes.as_str()),
            (2, "Sales", "[1]")
        );
        let first = store
            .read({
                let w = w.clone();
                move |c| definitions::version(c, &w, 1)
            })
            .await
            .unwrap()
            .unwrap();
        assert_eq!(first.nodes, "[]");
        let foreign = TenantId::trusted("x");
        let found = store
            .read({
                let w = w.clone();
                move |c| definitions::find(c, &foreign, &w)
            })
            .await;
        assert_eq!(found.unwrap(), None);
        write(&store, {
            let w = w.clone();
            move |c| definitions::remove(c, &t, &w)
        })
        .await
        .unwrap();
        assert_eq!(store.read(move |c| definitions::version(c, &w, 1)).await.unwrap(), None);
    });
}

#[test]
fn lists_are_complete_newest_first_by_cursor_and_by_number() {
    both(async |database| {
        let store = open(database);
        write(&store, |c| tenants::insert(c, &tenant("t"))).await.unwrap();
        write(&store, |c| {
            for n in 0..8 {
                // Two of each second, so that the id decides.
                users::insert(c, &user(&format!("u{n}"), n / 2))?;
                members::insert(
                    c,
                    &TenantId::trusted("t"),
                    &UserId::trusted(&format!("u{n}")),
                    "MEMBER",
                    at(n / 2),
                )?;
                definitions::insert(c, &workflow(&format!("w{n}"), &format!("50% of_{n}"), n / 2))?;
                let started_at = at(n / 2);
                runs::insert(c, &runs::NewRun { started_at, ..new_run(&format!("r{n}"), "t") })?;
            }
            runs::insert(c, &new_run("foreign", "x"))
        })
        .await
        .unwrap();
        let newest = |letter: &str| (0..8).rev().map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
        let t = || TenantId::trusted("t");
        assert_eq!(pages(&store, |u: &users::User| u.user_id.to_string(), users::list).await, newest("u"));
        let name = |(member, _): &(members::Member, users::User)| member.user_id.to_string();
        assert_eq!(pages(&store, name, move |c, p| members::of_tenant(c, &t(), p)).await, newest("u"));
        let list =
            move |c: &mut Connection, p: &ListPage| runs::list(c, &t(), &runs::RunFilter::default(), p);
        assert_eq!(pages(&store, |r: &runs::Run| r.instance_id.to_string(), list).await, newest("r"));
        let name = |w: &definitions::Workflow| w.row.workflow_id.to_string();
        let list = move |c: &mut Connection, p: &ListPage| definitions::list(c, &t(), &Default::default(), p);
        assert_eq!(pages(&store, name, list).await, newest("w"));
        for (search, expected) in [("0% OF_", 8), ("of_3", 1), ("ofx3", 0), ("%%", 0)] {
            let filter = definitions::WorkflowFilter { search: Some(search.to_owned()), folder_id: None };
            let found = store.read(move |c| definitions::list(c, &t(), &filter, &ListPage::default())).await;
            assert_eq!(found.unwrap().total, expected, "{search}");
        }
    });
}

#[test]
fn the_audit_tells_who_did_what() {
    both(async |database| {
        let store = open(database);
        write(&store, |c| {
            let tenant = TenantId::trusted("t");
            let request = RequestId::trusted("q");
            let entry = audit::NewEntry {
                at: at(1),
                tenant: Some(&tenant),
                actor: "user:u",
                action: "workflow.update",
                subject: "w",
                detail: serde_json::json!({ "version": 2 }),
                request: Some(&request),
            };
            audit::record(c, &entry)?;
            audit::record(c, &audit::NewEntry { tenant: None, at: at(2), action: "tenant.create", ..entry })
        })
        .await
        .unwrap();
        let all = store.read(|c| audit::list(c, None, &ListPage::default())).await.unwrap();
        let actions: Vec<&str> = all.rows.iter().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["tenant.create", "workflow.update"]);
        let t = TenantId::trusted("t");
        let of_tenant = store.read(move |c| audit::list(c, Some(&t), &ListPage::default())).await.unwrap();
        assert_eq!((of_tenant.total, of_tenant.rows[0].detail.as_str()), (1, "{\"version\":2}"));
    });
}
