"""The ServiceNow connector: manifest.yaml, run by the engine."""
