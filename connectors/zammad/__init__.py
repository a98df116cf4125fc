"""Zammad: all that is special to it stands in its manifest."""
