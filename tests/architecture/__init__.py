"""The rules of the design that no type checker knows: who may import whom, and lists that must agree."""
