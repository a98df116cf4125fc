"""Tandem: one canonical ticket, worked on by a company's own desk and its providers, each in its own tool."""
