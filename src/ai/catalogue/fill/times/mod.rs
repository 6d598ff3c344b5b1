//! Times in a sentence: "last month", "since Monday", "1 May to 3 June", "Q3 2025". Pure: now and its zone come in.
//!
//! Written here because no crate reads what is asked most (`dependencies.md` 4.5): `two_timer` refuses "last 7
//! days", "last quarter", "Q3 2026", "between A and B" and every sentence around a time, so each run of words would be tried,
//! which is quadratic in what a stranger wrote; and it brings a second time crate. This is one pass with a bounded look ahead.
//!
//! What is read is days, half open: `[from, to)`. Days are days of the calendar, so a day of 23 or 25 hours is one day.
//! A month, a quarter or a day without a year is the latest that has begun. Ranges hold both ends: "March to
//! May" ends with the last of May. "last 7 days" ends with today. Weeks begin on Monday. What can be read in two
//! ways, `01/05/2026`, is not read.

mod parts;
mod spans;
#[cfg(test)]
mod tests;
mod tokens;

pub use spans::{Span, When, spans};
