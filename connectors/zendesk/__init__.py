"""The Zendesk connector: manifest.yaml, run by the engine."""
