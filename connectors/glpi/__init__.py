"""GLPI 11 by its high-level API: a manifest, and hooks for the timeline, the team and the webhook challenge."""
