//! Chat rooms: their heads are there if and only if their rows are.

use super::bed::{append, at, both, first, next, open, stream};
use crate::{
    ids::{ChatRoomId, Seq, TenantId, UserId},
    store::{
        Append, Connection, Error, Projection, Store, Unique,
        tables::{
            ListPage, audit,
            chat::{self, MemberChange, NewRoom, RoomChange},
            tenants,
        },
    },
};

async fn look<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
) -> T {
    store.read(f).await.unwrap()
}

fn room(id: &str) -> ChatRoomId {
    ChatRoomId::trusted(id)
}

fn user(id: &str) -> UserId {
    UserId::trusted(id)
}

fn t() -> TenantId {
    TenantId::trusted("t")
}

fn inserted(id: &str, owner: &str) -> Projection {
    Projection::RoomInserted(Box::new(NewRoom {
        chat_room_id: room(id),
        tenant_id: t(),
        owner_id: user(owner),
        subject: format!("fb-{owner}"),
        title: None,
        at: at(1),
    }))
}

fn changed(id: &str, title: &str, attention: bool, second: i64) -> Projection {
    let change = RoomChange {
        title: Some(title.to_owned()),
        is_archived: title == "Old",
        attention,
        messages: 2,
        last_message_at: Some(at(second)),
        at: at(second),
    };
    Projection::RoomChanged { room: room(id), change: Box::new(change) }
}

fn member(id: &str, who: &str, inside: bool) -> Projection {
    Projection::ChatMember(Box::new(MemberChange {
        room: room(id),
        user: user(who),
        subject: format!("fb-{who}"),
        inside,
        by: user("ann"),
        at: at(5),
    }))
}

async fn opened(database: &super::bed::Database) -> Store {
    let store = open(database);
    store
        .write(|c| {
            let new = tenants::NewTenant {
                tenant_id: t(),
                title: "t".to_owned(),
                timezone: "UTC".to_owned(),
                creator_id: None,
                at: at(1),
            };
            tenants::insert(c, &new)
        })
        .await
        .unwrap();
    for (id, owner) in [("a", "ann"), ("b", "ann"), ("c", "bob")] {
        let made = Append { projections: vec![inserted(id, owner)], ..first(&format!("room:{id}"), 1) };
        append(&store, made).await.unwrap();
    }
    store
}

#[test]
fn a_room_and_its_first_row_are_one() {
    both(async |database| {
        let store = opened(database).await;
        let found = look(&store, |c| chat::find(c, &room("a"))).await.unwrap();
        assert_eq!((found.owner_id, found.messages, found.attention), (user("ann"), 0, false));
        let twice =
            append(&store, Append { projections: vec![inserted("a", "eve")], ..first("room:z", 1) }).await;
        assert!(matches!(twice, Err(Error::Duplicate(Unique::ChatRoom))), "{twice:?}");
        let gone = store.journal().read(&stream("room:z"), Seq::ZERO, 1, 1).await;
        assert!(matches!(gone, Err(Error::NotFound)));
    });
}

#[test]
fn rooms_are_found_by_who_is_in_them() {
    both(async |database| {
        let store = opened(database).await;
        let rows = [("a", "50% of Sales", 10), ("b", "Old", 20), ("c", "Theirs", 30)];
        for (id, title, second) in rows {
            let projections = vec![changed(id, title, false, second)];
            append(&store, Append { projections, ..next(&format!("room:{id}"), 1, 1) }).await.unwrap();
        }
        append(&store, Append { projections: vec![member("c", "ann", true)], ..next("room:c", 2, 1) })
            .await
            .unwrap();
        let of = |who: &'static str, archived: Option<bool>, search: Option<&'static str>| {
            let store = &store;
            async move {
                let page = ListPage::default();
                let listed =
                    look(store, move |c| chat::list(c, &t(), &user(who), (archived, search), &page)).await;
                assert_eq!(usize::try_from(listed.total).unwrap(), listed.rows.len());
                listed.rows.iter().map(|row| row.chat_room_id.to_string()).collect::<Vec<_>>().concat()
            }
        };
        assert_eq!(of("ann", None, None).await, "cba", "latest first");
        assert_eq!(of("ann", Some(false), None).await, "ca");
        assert_eq!(of("ann", Some(true), None).await, "b");
        assert_eq!(of("ann", None, Some("50% of s")).await, "a");
        assert_eq!(of("bob", None, None).await, "c");
        assert_eq!(of("eve", None, None).await, "");
        let foreign = ListPage::default();
        let other = TenantId::trusted("other");
        let none = look(&store, move |c| chat::list(c, &other, &user("ann"), (None, None), &foreign)).await;
        assert_eq!(none.total, 0);

        // A page at a time.
        let mut page = ListPage { page_size: 1, ..ListPage::default() };
        let mut seen = String::new();
        loop {
            let part = page.clone();
            let listed = look(&store, move |c| chat::list(c, &t(), &user("ann"), (None, None), &part)).await;
            seen.extend(listed.rows.iter().map(|row| row.chat_room_id.to_string()));
            page.cursor = listed.next_cursor;
            if page.cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, "cba");

        let latest = |who: &'static str, since| {
            let store = &store;
            async move { look(store, move |c| chat::latest(c, &t(), &user(who), at(since))).await }
        };
        assert_eq!(latest("ann", 10).await, Some(room("a")), "neither one that is put away nor another's");
        assert_eq!(latest("ann", 11).await, None);
        assert_eq!(look(&store, |c| chat::count_of(c, &t(), &user("ann"))).await, 2);

        let theirs = look(&store, |c| chat::find(c, &room("c"))).await.unwrap();
        for (who, inside) in [("bob", true), ("ann", true), ("eve", false)] {
            let theirs = theirs.clone();
            assert_eq!(look(&store, move |c| chat::is_inside(c, &theirs, &user(who))).await, inside, "{who}");
        }
        append(&store, Append { projections: vec![member("c", "ann", false)], ..next("room:c", 3, 1) })
            .await
            .unwrap();
        assert_eq!(look(&store, |c| chat::members(c, &room("c"))).await, []);
        assert_eq!(of("ann", None, None).await, "ba");
    });
}

#[test]
fn what_waits_is_found_at_start_and_what_is_removed_is_gone() {
    both(async |database| {
        let store = opened(database).await;
        for id in ["a", "c"] {
            let projections = vec![changed(id, "x", true, 10)];
            append(&store, Append { projections, ..next(&format!("room:{id}"), 1, 1) }).await.unwrap();
        }
        assert_eq!(look(&store, |c| chat::needing_attention(c, None, 1)).await, [room("a")]);
        assert_eq!(look(&store, |c| chat::needing_attention(c, Some(&room("a")), 9)).await, [room("c")]);
        assert_eq!(
            look(&store, |c| chat::idle_since(c, at(100), 9)).await,
            [room("b")],
            "not while it waits"
        );
        let entry = audit::NoteEntry {
            at: at(3),
            tenant: t(),
            actor: "user:ann".to_owned(),
            action: "chat.proposal.approve",
            subject: "p".to_owned(),
            detail: serde_json::json!({ "chatRoomID": "a" }),
            request: None,
        };
        let projections = vec![
            Projection::Audit(Box::new(entry)),
            Projection::Timer { key: "p".to_owned(), due_at: at(9) },
            member("a", "bob", true),
        ];
        append(&store, Append { projections, ..next("room:a", 2, 1) }).await.unwrap();
        let listed = look(&store, |c| audit::list(c, Some(&t()), &ListPage::default())).await;
        assert_eq!(listed.rows[0].action, "chat.proposal.approve");

        store.write(|c| chat::remove(c, &room("a"))).await.unwrap();
        assert!(look(&store, |c| chat::find(c, &room("a"))).await.is_none());
        let gone = store.journal().read(&stream("room:a"), Seq::ZERO, 1, 1).await;
        assert!(matches!(gone, Err(Error::NotFound)));
        let fenced = append(&store, next("room:a", 3, 1)).await;
        assert!(fenced.is_err(), "{fenced:?}");
        assert!(matches!(store.write(|c| chat::remove(c, &room("a"))).await, Err(Error::NotFound)));
        // A tenant takes its rooms with it.
        let left = look(&store, |c| chat::count_of(c, &t(), &user("ann"))).await;
        assert_eq!(left, 1);
    });
}
