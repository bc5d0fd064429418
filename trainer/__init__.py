"""Training of Patch-CLIP models: datasets in, one checkpoint out."""
