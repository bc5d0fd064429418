"""Files that are damaged on purpose: whatever is in them, reading one ends in an image or in one sentence."""
