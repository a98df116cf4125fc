"""Desks on the loopback that hold state and misbehave by script: what the tests and the demo connect to."""
