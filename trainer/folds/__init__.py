"""Cross-validation by patient: one run per fold, and figures over all of them.

held_out  what a fold's model says of the patients that it never saw
figures   AUROC, pointing and shortcuts over the folds, with intervals
table     the figures as text
"""
