//! The workflow language; pure: decide, apply, effects.
