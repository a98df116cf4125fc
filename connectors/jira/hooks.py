"""What a manifest cannot say of Jira Cloud: the same as of every desk on its platform."""

from connectors.atlassian import Hooks

__all__ = ["Hooks"]
