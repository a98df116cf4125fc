"""Znuny and OTRS by the GenericInterface: a manifest, and hooks for the search, the files and their names."""
