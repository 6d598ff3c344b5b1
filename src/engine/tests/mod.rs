//! Runs without a world: commands in, rows out. Every step is checked against N2, N3 and a fold of
//! its rows from their text.
mod conditions;
mod external;
mod failures;
mod flat;
mod graphs;
mod limits;
mod loops;
mod property;
mod rows;
mod scheduling;
mod sim;
mod watching;
