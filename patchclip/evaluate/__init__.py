"""Evaluation: how good are answers and maps, with confidence intervals by patient."""
