"""Tests of people: roles, accounts, sign-in."""
