"""Datasets as folders, under one set of rules for evaluation and training.

- `folder` reads one: `images` its images.csv, `annotations` its boxes.csv and polygons.json, into the records
  of `rows`; `remarks` gathers what is to be said of it.
- `findings` owns the names of findings: labels, synonyms, what other datasets have.
- `normal` says what a normal image is, for each protocol.
- `tables` reads CSV and JSON files strictly; `files` leads from a name to a file below images/.
"""
