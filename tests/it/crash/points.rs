//! F1: `kill -9` at each crash point, on both databases. A point that is never reached fails.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    keeper::{Death, Keeper},
    load::{Clients, Load, SETTINGS},
    long,
};
use crate::harness::{
    Hub,
    database::Kind as Db,
    hub::token,
    judge::Verdict,
    world::{Rest, World},
};

/// Names of `faults.md` 2 whose code exists; `migration.mid` has a test of its own.
const POINTS: [&str; 15] = [
    "ws.frame_received",
    "command.accepted",
    "journal.before_begin",
    "journal.mid_batch",
    "journal.before_commit",
    "journal.after_commit",
    "delivery.half",
    "poll.body_taken",
    "upgrade.before_switch",
    "node.after_dispatched_row",
    "node.mid_handler",
    "node.after_effect",
    "node.after_result_row",
    "run.committed",
    "replay.mid",
];

/// Those on the way of a chat: no run passes them. `chat/kills` and `chat/llm` kill there.
const CHAT: [&str; 5] =
    ["room.accepted", "room.committed", "llm.mid_stream", "proposal.before_effect", "proposal.after_effect"];

/// All names.
pub fn names() -> Vec<&'static str> {
    POINTS.into_iter().chain(CHAT).chain(["registry.before_respawn", "migration.mid"]).collect()
}

/// Starts runs and restarts their actors until the hub has died often enough.
fn killed_at(world: World, clients: &mut Clients, point: &str) -> (World, Verdict, usize) {
    let (kills, rounds, runs) = if long() { (20, 60, 10) } else { (5, 12, 4) };
    // each connection upgrades once only
    let chance = if point == "upgrade.before_switch" { 60 } else { 25 };
    let mut load = Load::begin(&world, clients, point);
    let ops = token("ops", &[], true);
    let ops = Rest { token: ops, patience: Duration::from_secs(20), ..world.ann() };
    let keeper = Keeper::start(world, Death::Point(format!("{point}={chance}%return(kill)")), kills);
    for _ in 0..rounds {
        load.run(runs);
        if point == "registry.before_respawn" {
            restart_all(&ops);
        }
        if keeper.kills() >= kills {
            break;
        }
        load.settle();
        load.cut();
    }
    let died = keeper.kills();
    assert!(died > 0, "{point} was never reached");
    let world = keeper.retire();
    (world, load.judge(), died)
}

/// Operators restart every run's actor, twice.
fn restart_all(ops: &Rest) {
    for _ in 0..2 {
        let list = ops.call("GET", "/admin/v1/actors?kind=run", &[], &Value::Null).json();
        let actors = list["actors"].as_array().cloned().unwrap_or_default();
        for id in actors.iter().filter_map(|actor| actor["id"].as_str()) {
            ops.call("POST", &format!("/admin/v1/actors/run/{id}/restart"), &[], &Value::Null);
        }
    }
}

fn every_point(db: Db) {
    let begun = Instant::now();
    let mut clients = Clients::start();
    let (mut all, mut kills) = (Verdict::default(), 0);
    let mut world = World::start(db, SETTINGS);
    for point in POINTS.into_iter().chain(["registry.before_respawn"]) {
        let begun = Instant::now();
        let (alive, verdict, died) = killed_at(world, &mut clients, point);
        world = alive;
        verdict.assert_clean(&format!("{point} on {db:?}, {died} kills, {:.1?}", begun.elapsed()));
        all.add(verdict);
        kills += died;
    }
    all.assert_clean(&format!("F1 on {db:?}: {kills} kills, {:.0?}", begun.elapsed()));
}

#[test]
fn killed_at_every_point_on_sqlite() {
    every_point(Db::Sqlite);
}

#[test]
fn killed_at_every_point_on_postgresql() {
    if Db::here().contains(&Db::Postgresql) {
        every_point(Db::Postgresql);
    }
}

/// The first start dies in the middle of the migration; the next one finds nothing half done.
#[test]
fn killed_in_the_migration() {
    for db in Db::here() {
        let mut world = World::start(db, &[]);
        world.empty();
        assert!(
            !world.hub.again(&[("FAILPOINTS", "migration.mid=return(kill)")]),
            "migration.mid was never reached"
        );
        assert!(killed(&mut world.hub));
        assert!(world.hub.again(&[("FAILPOINTS", "")]), "{}", world.hub.log());
        let mut clients = Clients::start();
        let mut load = Load::begin(&world, &mut clients, "migration.mid");
        load.run(1);
        load.judge().assert_clean(&format!("migration.mid on {db:?}"));
    }
}

fn killed(hub: &mut Hub) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    hub.ended(Duration::from_secs(10)).signal() == Some(9)
}

/// Every name of the table stands in the sources, so that none is tested by its absence.
#[test]
fn every_point_is_in_the_sources() {
    let mut sources = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sources);
    let missing: Vec<_> =
        names().into_iter().filter(|point| !sources.contains(&format!("crash_point!(\"{point}\""))).collect();
    assert!(missing.is_empty(), "no crash_point! for {missing:?}");
}

fn read(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}
