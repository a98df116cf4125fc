"""The benchmarks, one command each, and the peers they measure against."""
