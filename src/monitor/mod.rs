//! The `/monitor` namespace: who is admitted, what is streamed.
