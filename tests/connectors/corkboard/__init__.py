"""Corkboard, a helpdesk written by its users, connected by one manifest: the connector guide tried out."""
