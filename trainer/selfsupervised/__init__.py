"""Pretraining of a trunk on radiographs alone: no label, box or report is looked at."""
