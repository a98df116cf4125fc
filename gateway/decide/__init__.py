"""Decisions, pure: facts in, plan out. No database, no network, no clock.

``deciding`` is the door. ``merge``, ``observe`` and ``settle`` keep records in step; the five policies (hours, triage,
routing, sla, escalation) say who gets a ticket, by when and why; ``follow`` ends every plan.
"""
