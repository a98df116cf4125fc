"""The Freshdesk connector: manifest.yaml, run by the engine."""
