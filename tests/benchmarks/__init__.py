"""Benchmarks; see `tests.benchmarks.__main__`."""
