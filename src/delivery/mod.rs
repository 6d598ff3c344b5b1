//! Members, outbound queues and their flusher: one switchboard a worker thread.
