"""The Freshservice connector: manifest.yaml, run by the engine."""
