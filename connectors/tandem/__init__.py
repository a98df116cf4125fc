"""Tandem: another installation, spoken to through its API."""
