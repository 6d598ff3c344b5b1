//! Every byte string of faults.md 3.2: what a stranger may send, and that nothing but its own
//! session ends by it. Rows are numbered there as here.

mod frames;
mod heads;
mod limits;
mod probes;
mod rows;
mod suite;
mod table;
