"""Tests of the MONAI Label protocol."""
