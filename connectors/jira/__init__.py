"""The Jira Cloud connector: manifest.yaml, and hooks.py for transitions and an app's signed token."""
