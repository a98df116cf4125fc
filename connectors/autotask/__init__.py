"""Autotask PSA, by its REST API of version 1.0."""
