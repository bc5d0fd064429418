"""Tests of patchclip.zoo."""
