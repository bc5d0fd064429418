"""Faithfulness: does the model's answer follow from the patches that a method's map points at?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from tqdm import tqdm

from patchclip.evaluate.bootstrap import Figure, PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.image_metrics import Floats, mean
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.predictor import Predictor
from patchclip.evaluate.report import FaithfulnessFigures
from patchclip.evaluate.truth import reader_of


def faithfulness(
    predictor: Predictor,
    cases: Sequence[Case],
    methods: Sequence[str],
    bootstrap: PatientBootstrap,
    most: int,
) -> dict[str, dict[Method, FaithfulnessFigures]]:
    """Deletion and insertion areas by finding and method, on up to `most` boxed images of each finding."""
    findings: dict[str, dict[Method, FaithfulnessFigures]] = {}
    for label in predictor.labels:
        boxed = [k for k, case in enumerate(cases) if reader_of(label).boxed(case.image)][:most]
        progress = tqdm(boxed, desc=f"faithfulness, {label}", leave=False)
        rows = [predictor.faithfulness(cases[k].image, label, methods) for k in progress]
        if not any(rows):
            continue
        weights = bootstrap.weights(np.array(boxed, np.int64))
        deletion: dict[Method, Floats] = {}
        insertion: dict[Method, Floats] = {}
        for method in rows[0]:
            deletion[method] = mean(np.array([row[method].deletion for row in rows]), weights)
            insertion[method] = mean(np.array([row[method].insertion for row in rows]), weights)
        findings[label] = {method: _figures(method, deletion, insertion, len(boxed)) for method in rows[0]}
    return findings


def _figures(
    method: Method, deletion: dict[Method, Floats], insertion: dict[Method, Floats], images: int
) -> FaithfulnessFigures:
    figures = FaithfulnessFigures(
        deletion=Figure.of(deletion[method], images), insertion=Figure.of(insertion[method], images)
    )
    if method == PATCH_MAP:
        return figures
    return replace(
        figures,
        deletion_minus_patch_map=Figure.of(deletion[method] - deletion[PATCH_MAP], images),
        insertion_minus_patch_map=Figure.of(insertion[method] - insertion[PATCH_MAP], images),
    )
