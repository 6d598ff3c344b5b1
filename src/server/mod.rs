//! Builds the hub in floor order and takes it down again.
