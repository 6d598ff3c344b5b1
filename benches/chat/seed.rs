//! What the tenant has, and what its people say. The words are dealt out so that a word of a request is in two
//! to ten entries of a hundred, as in a catalogue that people made.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::http::Client;

const MEASURES: &[&str] = &[
    "revenue",
    "margin",
    "cost",
    "discount",
    "weight",
    "volume",
    "delay",
    "profit",
    "tax",
    "rebate",
    "turnover",
    "deposit",
    "shrinkage",
    "backlog",
    "utilization",
    "yield",
    "downtime",
    "churn",
    "balance",
    "overtime",
];
const NOUNS: &[&str] = &[
    "orders",
    "invoices",
    "returns",
    "shipments",
    "tickets",
    "machines",
    "contracts",
    "leads",
    "payments",
    "vouchers",
    "pallets",
    "drivers",
    "suppliers",
    "stores",
    "meters",
    "sensors",
    "tenders",
    "permits",
    "claims",
    "policies",
    "patients",
    "courses",
    "seats",
    "rooms",
    "flights",
    "vessels",
    "containers",
    "parcels",
    "recipes",
    "batches",
    "licences",
    "servers",
    "visits",
    "campaigns",
    "surveys",
    "grants",
    "loans",
    "cards",
    "pumps",
    "turbines",
    "panels",
    "trucks",
    "bikes",
    "tools",
    "parts",
    "bolts",
    "cables",
    "lamps",
    "chairs",
    "desks",
];
const SIDES: &[&str] =
    &["region", "product", "team", "channel", "country", "city", "branch", "category", "segment", "carrier"];

/// Different entries at most.
pub const MOST: usize = MEASURES.len() * NOUNS.len() * SIDES.len();

fn words(n: usize) -> (&'static str, &'static str, &'static str) {
    let (measures, nouns) = (MEASURES.len(), NOUNS.len());
    (MEASURES[n % measures], NOUNS[n / measures % nouns], SIDES[n / measures / nouns % SIDES.len()])
}

/// What somebody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It means one saved query, which is run.
    One,
    /// Several fit equally.
    Several,
    /// Nothing fits.
    Nothing,
    /// Words that every entry has: the most that a search can cost.
    Broad,
    /// A query that counts for a second or so.
    Slow,
}

/// Of a mix, a third each.
pub const MIX: [Says; 3] = [Says::One, Says::Several, Says::Nothing];

impl Says {
    pub fn name(self) -> &'static str {
        match self {
            Says::One => "one",
            Says::Several => "several",
            Says::Nothing => "nothing",
            Says::Broad => "broad",
            Says::Slow => "slow",
        }
    }

    /// Of `entries`, about the `n`th.
    pub fn text(self, n: usize, entries: usize) -> String {
        // Neighbours are far apart.
        let (measure, noun, side) = words(n.wrapping_mul(7919) % entries);
        match self {
            Says::One => format!("Show me the {measure} of {noun} by {side}, please"),
            Says::Several => format!("What is the {measure} of our {noun}?"),
            Says::Nothing => format!("Will umbrellas sell in Reykjavik {n} hence?"),
            Says::Broad => format!("ledger figures facts warehouse amount x{n}"),
            Says::Slow => "Count to the moon".to_owned(),
        }
    }
}

/// A tenant's queries, by REST.
pub struct Shop {
    client: Client,
    base: String,
    source: Value,
}

impl Shop {
    /// With a data source over the file of [`facts`].
    pub async fn open(hub: &str, token: &str, tenant: &str) -> Rc<Self> {
        let client = Client::new(hub, token);
        let base = format!("/api/v1/tenants/{tenant}");
        let source = json!({ "datasourceTitle": "Warehouse", "datasourceType": "sqlite", "datasourceOptions": { "file": FILE } });
        let made = client.post(&format!("{base}/datasources"), &source).await.unwrap();
        Rc::new(Self { client, base, source: made["datasource"]["datasourceID"].clone() })
    }

    pub async fn add(&self, title: &str, about: &str, statement: &str) {
        let body = json!({
            "dataQueryTitle": title, "dataQueryDescription": about, "datasourceID": self.source,
            "dataQueryOptions": { "query": statement, "readOnly": true },
        });
        loop {
            match self.client.post(&format!("{}/dataqueries", self.base), &body).await {
                Ok(_) => return,
                Err(error) if error.to_string().contains("BUSY") => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// So many entries: how many a second.
    pub async fn fill(self: &Rc<Self>, entries: usize) -> f64 {
        assert!(entries <= MOST, "at most {MOST} entries");
        self.add("Count to the moon", "", COUNT).await;
        let (next, begun) = (Rc::new(Cell::new(1)), Instant::now());
        let writers: Vec<_> = (0..16)
            .map(|_| {
                let (shop, next) = (self.clone(), next.clone());
                tokio::task::spawn_local(async move {
                    while next.get() < entries {
                        let (measure, noun, side) = words(next.replace(next.get() + 1));
                        let title = format!("{measure} of {noun} by {side}");
                        let about = format!("Ledger figures: how much {measure} the {noun} have, one row a {side}");
                        let statement = format!("SELECT side AS {side}, sum(amount) AS amount FROM facts GROUP BY side ORDER BY side");
                        shop.add(&title, &about, &statement).await;
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        entries as f64 / begun.elapsed().as_secs_f64()
    }

    pub async fn metrics(&self) -> String {
        self.client.get("/metrics").await.unwrap_or_default()
    }
}

const FILE: &str = "facts.db";
const COUNT: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000000) SELECT count(*) AS reached FROM n";

/// What the queries read.
pub fn facts(dir: &str) {
    let facts = rusqlite::Connection::open(format!("{dir}/{FILE}")).unwrap();
    facts
        .execute_batch(
            "CREATE TABLE facts (id INTEGER PRIMARY KEY, side INTEGER, amount INTEGER); \
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 499) \
             INSERT INTO facts (side, amount) SELECT i % 12, i FROM n;",
        )
        .unwrap();
}
