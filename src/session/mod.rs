//! One client: its Engine.IO session over all its transports.
