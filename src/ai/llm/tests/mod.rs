//! Against a scripted endpoint on a real socket.

mod modes;
mod stage;
mod tools;
