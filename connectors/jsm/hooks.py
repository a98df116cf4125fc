"""What a manifest cannot say of a service project: the same as of Jira, on which it stands."""

from connectors.atlassian import Hooks

__all__ = ["Hooks"]
