//! Settings: sections with defaults, all mistakes at once, the reference generated.
