"""The memory desk: a ticket desk of our own, in this process or served over HTTP, for demos, trials and tests."""
