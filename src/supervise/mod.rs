//! Actors in general: registries that start, hold, restart and inspect their children.
