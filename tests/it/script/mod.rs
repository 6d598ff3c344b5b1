//! JavaScript in worker processes: what a script gives, what it cannot reach, how it ends.

mod globals;
mod limits;
mod pool;
mod rig;
mod sandbox;
mod values;
