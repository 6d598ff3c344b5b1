//! Many pages at once: closed (each says the next when it was answered) or at a pace of its own.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    cost::Cpu,
    ms,
    page::{Page, Turned},
    seed::{Says, Shop},
};

#[derive(Clone, Copy)]
pub enum Pace {
    /// So many turns at any time.
    AtOnce(usize),
    /// So many begin a second, however long they take.
    Each(usize),
}

pub struct Bench {
    pub pages: RefCell<Vec<Rc<Page>>>,
    hub: u32,
    database: String,
    entries: usize,
    said: Cell<usize>,
    answered: Cell<usize>,
    /// Each load says other things than the one before.
    base: Cell<usize>,
}

#[derive(Default)]
struct Seen {
    accepted: Vec<Duration>,
    answered: Vec<Duration>,
    with_rows: usize,
}

impl Seen {
    fn add(&mut self, turn: &Turned) {
        self.accepted.push(turn.accepted);
        self.answered.push(turn.answered);
        self.with_rows += usize::from(turn.answer["data"]["rows"].is_array());
    }
}

fn quantile(sorted: &[Duration], part: f64) -> f64 {
    sorted
        .get(((sorted.len() as f64 * part) as usize).min(sorted.len().saturating_sub(1)))
        .map_or(0.0, |time| ms(*time))
}

impl Bench {
    pub fn new(hub: u32, database: &str, entries: usize) -> Self {
        let word =
            if database.starts_with("sqlite") { "" } else { database.rsplit('/').next().unwrap_or_default() };
        Self {
            pages: RefCell::default(),
            hub,
            database: word.to_owned(),
            entries,
            said: Cell::new(0),
            answered: Cell::new(0),
            base: Cell::new(0),
        }
    }

    /// Turns without an answer.
    pub fn lost(&self) -> usize {
        self.said.get() - self.answered.get()
    }

    /// The `n`th turn: who, and what.
    async fn one(&self, page: &Page, says: Says, n: usize, since: Instant) -> Turned {
        self.said.set(self.said.get() + 1);
        let turn = page.turn(&says.text(self.base.get() + n, self.entries), since).await;
        self.answered.set(self.answered.get() + 1);
        turn
    }

    /// Everybody says one thing: how many did.
    pub async fn each_says(&self, mix: &[Says]) -> usize {
        let pages = self.pages.borrow().clone();
        for (n, page) in pages.iter().enumerate() {
            self.one(page, mix[n % mix.len()], n, Instant::now()).await;
        }
        pages.len()
    }

    /// Waits until nobody waits.
    pub async fn calm(&self) {
        while self.lost() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }

    pub async fn load(&self, mode: &str, mix: &[Says], pace: Pace, lasts: Duration) -> Value {
        self.base.set(self.base.get() + 3333);
        let pages = self.pages.borrow().clone();
        let (own, cpu) = (Cpu::of(std::process::id(), ""), Cpu::of(self.hub, &self.database));
        let begun = Instant::now();
        let seen = match pace {
            Pace::AtOnce(count) => self.closed(&pages, mix, count, begun + lasts).await,
            Pace::Each(rate) => self.paced(&pages, mix, rate, begun + lasts).await,
        };
        let took = begun.elapsed();
        let cpu = Cpu::of(self.hub, &self.database).since(cpu);
        let own = Cpu::of(std::process::id(), "").since(own);
        let mut line = json!({ "mode": mode, "turns": 0 });
        let mut all = Seen::default();
        for (says, mut seen) in seen {
            seen.answered.sort();
            let kind = json!({
                "turns": seen.answered.len(), "with_rows": seen.with_rows,
                "p50": quantile(&seen.answered, 0.5), "p99": quantile(&seen.answered, 0.99),
            });
            line["by"][says.name()] = kind;
            all.accepted.extend(seen.accepted);
            all.answered.extend(seen.answered);
        }
        all.accepted.sort();
        all.answered.sort();
        let turns = all.answered.len() as f64;
        line["turns"] = json!(turns);
        line["at_once"] = match pace {
            Pace::AtOnce(count) => json!(count),
            Pace::Each(_) => Value::Null,
        };
        line["says"] = json!(mix.iter().map(|says| says.name()).collect::<Vec<_>>().join(" "));
        line["turns_per_s"] = json!(turns / took.as_secs_f64());
        line["ms"] = json!({ "p50": quantile(&all.answered, 0.5), "p99": quantile(&all.answered, 0.99), "most": quantile(&all.answered, 1.0) });
        line["accepted_ms"] =
            json!({ "p50": quantile(&all.accepted, 0.5), "p99": quantile(&all.accepted, 0.99) });
        line["cpu_us_a_turn"] = json!({
            "hub": cpu.hub as f64 / turns, "database": cpu.database as f64 / turns, "load": own.hub as f64 / turns,
        });
        line
    }

    async fn closed(
        &self,
        pages: &[Rc<Page>],
        mix: &[Says],
        count: usize,
        until: Instant,
    ) -> Vec<(Says, Seen)> {
        let seen: RefCell<Vec<(Says, Seen)>> =
            RefCell::new(mix.iter().map(|says| (*says, Seen::default())).collect());
        let talk = |first: usize| {
            let seen = &seen;
            async move {
                let (mut n, mut whose) = (first, first);
                while Instant::now() < until {
                    let kind = n % mix.len();
                    let page = &pages[whose % pages.len()];
                    let turn = self.one(page, mix[kind], n, Instant::now()).await;
                    seen.borrow_mut()[kind].1.add(&turn);
                    // What nobody else says meanwhile.
                    n += count;
                    // Each page in its turn, and no page twice at once.
                    whose += count;
                    if whose >= pages.len() / count * count {
                        whose = first;
                    }
                }
            }
        };
        futures_util::future::join_all((0..count).map(talk)).await;
        seen.into_inner()
    }

    async fn paced(
        &self,
        pages: &[Rc<Page>],
        mix: &[Says],
        rate: usize,
        until: Instant,
    ) -> Vec<(Says, Seen)> {
        let seen: RefCell<Vec<(Says, Seen)>> =
            RefCell::new(mix.iter().map(|says| (*says, Seen::default())).collect());
        let begun = Instant::now();
        let lasts = until.duration_since(begun).as_secs_f64();
        let count = (lasts * rate as f64) as usize;
        let talk = |n: usize| {
            let seen = &seen;
            async move {
                let due = begun + Duration::from_secs_f64(n as f64 / rate as f64);
                tokio::time::sleep_until(due.into()).await;
                let kind = n % mix.len();
                let turn = self.one(&pages[n % pages.len()], mix[kind], n, due).await;
                seen.borrow_mut()[kind].1.add(&turn);
            }
        };
        futures_util::future::join_all((0..count).map(talk)).await;
        seen.into_inner()
    }
}

/// One room that asks for much, again and again.
pub struct Heavy {
    stop: Rc<Cell<bool>>,
    talk: JoinHandle<Vec<Duration>>,
}

/// `changed`: before each question that tenant gets one more query, so that its catalogue is read again.
pub fn again(page: Rc<Page>, says: Says, entries: usize, changed: Option<Rc<Shop>>) -> Heavy {
    let stop = Rc::new(Cell::new(false));
    let stopped = stop.clone();
    let talk = tokio::task::spawn_local(async move {
        let mut turns = Vec::new();
        while !stopped.get() {
            if let Some(shop) = &changed {
                shop.add("One more", "", "SELECT 1 AS one").await;
            }
            turns.push(page.turn(&says.text(turns.len(), entries), Instant::now()).await.answered);
        }
        turns
    });
    Heavy { stop, talk }
}

impl Heavy {
    /// Ends it; what it saw goes into the line.
    pub async fn beside(self, mut line: Value) -> Value {
        self.stop.set(true);
        let turns = self.talk.await.unwrap();
        line["its_turns"] = json!(turns.len());
        line["its_first_ms"] = json!(turns.first().map(|turn| ms(*turn)));
        line["its_ms"] = json!(turns.iter().map(|turn| ms(*turn)).sum::<f64>() / turns.len() as f64);
        line
    }
}
