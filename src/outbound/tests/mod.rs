//! The client against servers that say what a test tells them (A48 to A52).

mod addresses;
mod answers;
mod redirects;
mod rig;
