"""What came in, and what was done and by whom: stored first, added to, never changed."""
