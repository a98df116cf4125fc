"""The noun: what a ticket is. Pure."""
