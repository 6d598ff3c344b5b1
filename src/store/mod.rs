//! Diesel and the journal; nothing above names diesel.
