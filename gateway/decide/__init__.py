"""Decisions, pure: facts in, plan out. No database, no network, no clock."""
