//! F2: `kill -9` at random times. F3: `kill -9` between effect and result row, again and again.

use std::time::{Duration, Instant};

use super::{
    keeper::{Death, Keeper},
    load::{Clients, Load, SETTINGS},
    long,
};
use crate::harness::{database::Kind as Db, expect::say, world::World};

/// Times between kills, from a seed that is printed.
fn times(how_many: usize) -> Vec<u64> {
    let mut seed = std::env::var("TEST_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |d| u64::from(d.subsec_nanos()) | 1)
    });
    say(&format!("TEST_SEED={seed}"));
    let mut next = || {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        150 + seed % 1200
    };
    (0..how_many).map(|_| next()).collect()
}

#[test]
fn killed_at_random_times() {
    for db in Db::here() {
        let begun = Instant::now();
        let (kills, runs) = if long() { (150, 4) } else { (8, 3) };
        let world = World::start(db, SETTINGS);
        let mut clients = Clients::start();
        let mut load = Load::begin(&world, &mut clients, "random");
        let keeper = Keeper::start(world, Death::Random(times(kills)), kills);
        let deadline = Instant::now() + Duration::from_secs(if long() { 600 } else { 60 });
        while keeper.kills() < kills {
            assert!(Instant::now() < deadline, "{} of {kills} kills", keeper.kills());
            load.run(runs);
        }
        let died = keeper.kills();
        let world = keeper.retire();
        load.judge().assert_clean(&format!("F2 on {db:?}: {died} kills, {:.0?}", begun.elapsed()));
        drop(world);
    }
}

#[test]
fn killed_after_every_effect() {
    for db in Db::here() {
        let begun = Instant::now();
        let (kills, runs) = if long() { (200, 30) } else { (6, 4) };
        let world = World::start(db, SETTINGS);
        let mut clients = Clients::start();
        let mut load = Load::begin(&world, &mut clients, "effect");
        let keeper = Keeper::start(world, Death::Point("node.after_effect=return(kill)".to_owned()), kills);
        load.run(runs);
        // each life ends at its first effect: the runs cannot get on until the last kill
        keeper.until_killed(kills, Duration::from_secs(if long() { 600 } else { 60 }));
        let world = keeper.retire();
        load.judge().assert_clean(&format!("F3 on {db:?}: {kills} kills, {:.0?}", begun.elapsed()));
        drop(world);
    }
}
