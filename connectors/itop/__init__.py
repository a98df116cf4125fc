"""iTop, by its REST and JSON web service."""
