"""The Jira Service Management connector: manifest.yaml, and the hooks of Jira."""
