//! The official list as a whole, several times in a row.

use crate::harness::{Target, cases::in_a_row};

use super::{acks, binary, connect, engine, events, leave};

const LISTS: &[&[crate::harness::cases::Case]] =
    &[engine::CASES, connect::CASES, events::CASES, binary::CASES, acks::CASES, leave::CASES];

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_owned() {
    in_a_row(5, Target::owned("/socket.io/"), LISTS);
}

#[test]
#[ignore = "long: make test-long"]
fn five_times_in_a_row_mounted() {
    in_a_row(5, Target::mounted("/socket.io/"), LISTS);
}
