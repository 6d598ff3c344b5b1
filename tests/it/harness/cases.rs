//! Protocol cases: each is a function of a [`Target`]; the macro makes tests of them over both
//! websocket transports, and a list that can be carried out again and again.

use super::Target;

/// Name and function of a case.
pub type Case = (&'static str, fn(&Target));

/// `cases!("/engine.io/", first_case, second_case)`: tests `owned::first_case`,
/// `mounted::first_case`, … and `CASES`.
macro_rules! cases {
    ($path:literal, $($name:ident),+ $(,)?) => {
        /// The cases of this file, for a run of all of them in a row.
        pub const CASES: &[$crate::harness::cases::Case] = &[$((stringify!($name), $name)),+];

        mod owned {
            $(#[test] fn $name() { $crate::harness::Target::owned($path).iter().for_each(super::$name); })+
        }

        mod mounted {
            $(#[test] fn $name() { $crate::harness::Target::mounted($path).iter().for_each(super::$name); })+
        }
    };
}
pub(crate) use cases;

/// All cases of `lists`, `times` times in a row over `target`, one after the other; fails with the names of those that failed.
pub fn in_a_row(times: usize, target: Option<Target>, lists: &[&[Case]]) {
    let Some(target) = &target else { return };
    let mut failed = Vec::new();
    let mut carried_out = 0;
    for round in 0..times {
        for (name, case) in lists.iter().copied().flatten() {
            carried_out += 1;
            if std::panic::catch_unwind(|| case(target)).is_err() {
                failed.push(format!("{name} (round {round})"));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {carried_out}: {}", failed.len(), failed.join(", "));
    println!("0 of {carried_out} failed over {target:?}");
}
