"""The outside companies we escalate to, and how each is reached."""
