"""The Redmine connector: manifest.yaml, run by the engine."""
