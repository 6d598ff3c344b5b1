//! Widgets, as pages connect them: unmodified clients against the real binary.
//!
//! `modes`: execute, subscribe, replay, and the order of everything. `pages`: what pages of the old
//! front-end do. `input`: what a widget says to its run. `apart`: two viewers of one widget, foreign tenants, who may. `many`: 200 widgets on one
//! run, a page that never reads. `restarts`: actors that are restarted, a hub that dies.

mod apart;
mod connected;
mod input;
mod many;
mod modes;
mod pages;
mod restarts;
