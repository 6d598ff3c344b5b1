//! The official list as a whole, several times in a row: what is racy shows up here.

use crate::harness::{Target, cases::in_a_row};

use super::{close, errors, handshake, headers, heartbeat, polling, upgrade, websocket};

const LISTS: &[&[crate::harness::cases::Case]] = &[
    handshake::CASES,
    polling::CASES,
    websocket::CASES,
    heartbeat::CASES,
    close::CASES,
    errors::CASES,
    headers::CASES,
    upgrade::CASES,
];

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_owned() {
    in_a_row(5, Target::owned("/engine.io/"), LISTS);
}

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_mounted() {
    in_a_row(5, Target::mounted("/engine.io/"), LISTS);
}
