"""The processes that do the work: RQ as a wake-up call, the scheduler, and the one-machine supervisor."""
