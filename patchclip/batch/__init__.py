"""Queries over an archive: many files in, Parquet out, in one process or on a Ray cluster."""
