//! Talks to a hub as many pages do, for `benches/chat/run.sh`, and prints what it saw as lines of JSON. See
//! README.md here.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a bench prints what real time it saw, or stops"
)]

#[path = "../workflow/cost.rs"]
mod cost;
#[path = "../workflow/http.rs"]
mod http;
mod load;
mod page;
mod seed;
mod table;

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    time::{Duration, Instant},
};

use cost::counter;
use jethub::{
    auth::{NewToken, sign},
    config::Secret,
};
use load::{Bench, Pace};
use page::Page;
use seed::{MIX, Says, Shop};
use serde_json::{Value, json};
use tokio::task::LocalSet;

/// Words of the command line: `mode name=value …`.
struct Words(HashMap<String, String>);

impl Words {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    fn number(&self, name: &str) -> usize {
        self.text(name).parse().unwrap_or_else(|_| panic!("{name}=NUMBER is missing"))
    }
    fn token(&self, user: &str, tenant: &str, role: &str) -> String {
        let token = NewToken {
            sub: user.to_owned(),
            email: None,
            tenants: BTreeMap::from([(tenant.to_owned(), role.to_owned())]),
            platform_admin: false,
        };
        let secret = Secret::new(self.text("secret").to_owned());
        sign(&secret, &token, jiff::Timestamp::now(), Duration::from_secs(3600)).unwrap()
    }
    fn database(&self) -> &'static str {
        if self.text("db").starts_with("sqlite") { "sqlite" } else { "postgresql" }
    }
}

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().unwrap_or_default();
    if mode == "table" {
        return table::print(&words.collect::<Vec<_>>());
    }
    assert_eq!(mode, "run", "no mode {mode:?}");
    let words = Words(
        words.filter_map(|word| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, run(&words));
}

fn print(words: &Words, mut line: Value) {
    line["db"] = json!(words.database());
    println!("{line}");
}

async fn run(words: &Words) {
    let (hub, tenant) = (words.text("hub"), words.text("tenant"));
    let (rooms, entries, seconds) = (words.number("rooms"), words.number("entries"), words.number("seconds"));
    let lasts = Duration::from_secs(seconds as u64);
    let silent = silent(words.text("model")).await;
    seed::facts(words.text("dir"));
    let shop = Shop::open(hub, &words.token("ann", tenant, "ADMIN"), tenant).await;
    let rate = shop.fill(entries).await;
    print(words, json!({ "mode": "seed", "entries": entries, "entries_per_s": rate }));

    let other = Shop::open(hub, &words.token("bob", words.text("other"), "ADMIN"), words.text("other")).await;
    other.fill(entries).await;

    // The first question of a tenant reads its catalogue.
    let first = Page::connect(hub, &words.token("first", tenant, "MEMBER")).await;
    first.enter().await;
    let cold = first.turn(&Says::One.text(0, entries), Instant::now()).await;
    for n in 0..20 {
        first.turn(&MIX[n % MIX.len()].text(n, entries), Instant::now()).await;
    }
    print(
        words,
        json!({ "mode": "first", "ms": ms(cold.answered), "resident": cost::resident(words.number("pid") as u32) }),
    );

    let bench = Bench::new(words.number("pid") as u32, words.text("db"), entries);
    memory(words, &shop, &bench, rooms).await;

    for says in [Says::One, Says::Several, Says::Nothing, Says::Broad] {
        let line = bench.load("alone", &[says], Pace::AtOnce(1), lasts / 3).await;
        print(words, line);
    }
    for says in MIX {
        print(words, bench.load("kind", &[says], Pace::AtOnce(32), lasts / 2).await);
    }
    print(words, bench.load("closed", &MIX, Pace::AtOnce(rooms), lasts).await);
    bench.calm().await;

    // The same load, quiet and disturbed by turn: what else the machine does hits both alike.
    let pace = Pace::Each(words.number("rate"));
    let neighbours = |who: &str| -> Vec<String> {
        let count = words.number("neighbours");
        (0..count).map(|n| words.token(&format!("{who}{n}"), words.text("slow"), "MEMBER")).collect()
    };
    let slow = [Page::connect(hub, &neighbours("slow")[0]).await];
    slow[0].enter().await;
    let page = Page::connect(hub, &words.token("heavy", tenant, "MEMBER")).await;
    page.enter().await;
    let stranger = Page::connect(hub, &words.token("stranger", words.text("other"), "MEMBER")).await;
    stranger.enter().await;
    for _ in 0..words.number("rounds") {
        print(words, bench.load("quiet", &MIX, pace, lasts).await);
        let calls = silent.get();
        slow[0].say("Is anybody there?").await;
        until(|| silent.get() > calls).await;
        print(words, bench.load("stuck", &MIX, pace, lasts).await);
        slow[0].cancel().await;
        for says in [Says::Slow, Says::Broad] {
            let heavy = load::again(page.clone(), says, entries, None);
            let line = bench.load(says.name(), &MIX, pace, lasts).await;
            print(words, heavy.beside(line).await);
        }
        let heavy = load::again(stranger.clone(), Says::Several, entries, Some(other.clone()));
        let line = bench.load("cold", &MIX, pace, lasts).await;
        print(words, heavy.beside(line).await);
    }
    // A whole tenant whose endpoint is silent: more turns than it has places.
    let mut many = Vec::new();
    for token in neighbours("many") {
        let page = Page::connect(hub, &token).await;
        page.enter().await;
        page.say("Is anybody there?").await;
        many.push(page);
    }
    let mut line = bench.load("tenant", &MIX, pace, lasts).await;
    line["stuck_calls"] = json!(silent.get());
    print(words, line);
    print(words, json!({ "mode": "end", "actors": alive(&shop).await, "lost": bench.lost() }));
}

/// What the sockets cost, and what the rooms cost on top.
async fn memory(words: &Words, shop: &Shop, bench: &Bench, rooms: usize) {
    let pid = words.number("pid") as u32;
    let resident = || async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        cost::resident(pid) as f64
    };
    let before = resident().await;
    let begun = Instant::now();
    for n in 0..rooms {
        let token = words.token(&format!("user{n}"), words.text("tenant"), "MEMBER");
        let page = Page::connect(words.text("hub"), &token).await;
        bench.pages.borrow_mut().push(page);
    }
    let connected = resident().await;
    let pages = bench.pages.borrow().clone();
    for page in &pages {
        page.enter().await;
    }
    let entered = resident().await;
    let turns = bench.each_says(&MIX).await;
    let turned = resident().await;
    let each = |one: f64, other: f64| (other - one) / rooms as f64;
    print(
        words,
        json!({
            "mode": "memory", "rooms": rooms, "actors": alive(shop).await, "took_s": begun.elapsed().as_secs_f64(),
            "socket": each(before, connected), "room": each(connected, entered),
            "room_with_a_turn": each(connected, turned), "resident": turned, "turns": turns,
        }),
    );
}

async fn alive(shop: &Shop) -> f64 {
    counter(&shop.metrics().await, "jethub_actors_alive{kind=\"room\"}")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// An endpoint that takes every call and answers none: how many it has.
async fn silent(address: &str) -> Rc<std::cell::Cell<usize>> {
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let calls = Rc::new(std::cell::Cell::new(0));
    let counted = calls.clone();
    tokio::task::spawn_local(async move {
        let mut kept = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            kept.push(socket);
            counted.set(kept.len());
        }
    });
    calls
}
