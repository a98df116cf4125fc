"""What the real servers of the live tests are set up with."""
