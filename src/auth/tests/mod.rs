//! Tokens as forgers write them and key sets as networks deliver them (`faults.md` A1 to A11), over
//! the verifier itself, with keys made here and a clock that the tests move.

mod forged;
mod key_sets;
mod rig;
mod tokens;
