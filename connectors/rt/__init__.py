"""The Request Tracker connector: manifest.yaml, and hooks.py for the texts and files of a ticket."""
