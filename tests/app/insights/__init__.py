"""Tests of what a reader study shows."""
