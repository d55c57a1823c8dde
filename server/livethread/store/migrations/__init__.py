"""Schema history, run by ``livethread.store.migrate`` at start."""
