"""Parts of an evaluation on predictions whose truth is known: subgroups, the second reader, off-topic queries, claim counts, fingerprint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.dataset import CHESTX_DET, NIH, EvaluationImage
from patchclip.evaluate.predictions import OFF_TOPIC, Prediction
from patchclip.evaluate.run import claim, fingerprint, off_topic, second_reader, subgroups
from patchclip.evaluate.score import Pair, Reader, image_figures, location_figures
from patchclip.types import PatchMap, RelativeBox

BOX = RelativeBox(0.25, 0.25, 0.25, 0.25)
EXTENT = (0.0, 0.0, 64.0, 64.0)
LABEL = "Effusion"


def pair(
    number: int,
    present: bool,
    probability: float,
    *,
    right: bool = True,
    sex: str = "F",
    source: str = NIH,
    read: bool = False,
) -> Pair:
    """One image; with the finding it has a box, and its map peaks inside (`right`) or outside of it."""
    values = np.zeros((8, 8), np.float32)
    values[(2, 3) if right else (6, 6)] = 0.9 if present else 0.1
    boxes = {(source, LABEL): (BOX,)} if present else {}
    labels = frozenset({LABEL} if present else {"No Finding"})
    image = EvaluationImage(
        f"{number}.png", Path(f"{number}.png"), str(number), labels, "", read, "PA", sex, 50.0, boxes=boxes
    )
    halves = {LABEL: 0.5}
    shown = {LABEL: PatchMap(values, EXTENT)}
    answered = {phrase: (phrase == OFF_TOPIC[0] and number == 0, True) for phrase in OFF_TOPIC}
    return image, Prediction(
        (64, 64), f"{number:064x}", {LABEL: probability}, shown, halves, halves, 0.5, halves, {}, answered, {}
    )


def bootstrap(pairs: list[Pair]) -> PatientBootstrap:
    return PatientBootstrap([image.patient for image, _ in pairs], 50, 0)


def test_a_subgroup_has_its_own_figures() -> None:
    """Women: ranked and located without a mistake; men: all wrong; no age band of theirs is large enough to differ from the whole."""
    women = [pair(k, k < 6, 0.9 if k < 6 else 0.1) for k in range(12)]
    men = [pair(20 + k, k < 6, 0.1 if k < 6 else 0.9, right=False, sex="M") for k in range(12)]
    found = subgroups([LABEL], [*women, *men], bootstrap([*women, *men]))
    assert (
        found["sex F"]["findings"][LABEL]["auroc"]["value"]
        == found["sex F"]["findings"][LABEL]["pointing"]["value"]
        == 1
    )
    assert (
        found["sex M"]["findings"][LABEL]["auroc"]["value"]
        == found["sex M"]["findings"][LABEL]["pointing"]["value"]
        == 0
    )
    assert (
        found["age 40 to 64"]["images"] == 24
        and found["age 40 to 64"]["findings"][LABEL]["auroc"]["value"] == 0.5
    )
    assert "view AP" not in found and "age under 40" not in found


def test_the_second_reader_has_his_own_truth() -> None:
    """His boxes alone make an image positive, on the images that he read."""
    pairs = [pair(k, k < 3, 0.8 if k < 3 else 0.2, source=CHESTX_DET, read=True) for k in range(8)]
    pairs.append(pair(9, True, 0.1))  # NIH's box on an image that he never saw
    found = second_reader([LABEL], pairs, bootstrap(pairs))
    assert found[LABEL]["auroc"]["value"] == 1 and found[LABEL]["auroc"]["n"] == 8
    assert found[LABEL]["pointing"]["n"] == 3 and found[LABEL]["pointing"]["value"] == 1


def test_off_topic_queries_are_counted() -> None:
    pairs = [pair(k, False, 0.2) for k in range(10)]
    found = off_topic(pairs, bootstrap(pairs))
    assert (
        found[OFF_TOPIC[0]]["lit"]["value"] == pytest.approx(0.1) and found[OFF_TOPIC[1]]["lit"]["value"] == 0
    )
    assert found[OFF_TOPIC[0]]["warned"]["value"] == 1


def test_a_claim_says_on_what_it_stands() -> None:
    pairs = [pair(k, k < 4, 0.8) for k in range(10)]
    twins = [
        (image, replace(item, saliency={("grad_cam", LABEL): item.maps[LABEL]})) for image, item in pairs
    ]
    claims, _, counts = claim([LABEL], pairs, twins, [], bootstrap(pairs))
    assert counts == {LABEL: {"images": 10, "boxes": 4, "normals": 6}}
    assert set(claims[LABEL]) == {"patch_map", "twin_grad_cam_raw", "twin_grad_cam_gated"}
    assert claims[LABEL]["patch_map"]["0.6"]["fp_regions_per_image"]["value"] == 0


def test_a_fragment_is_no_region_and_lights_no_normal() -> None:
    """A peak of .6 over dark neighbours is above .5 on less than half a patch: the product shows nothing there."""
    pairs = [pair(k, k < 2, 0.8) for k in range(6)]
    for position, (image, item) in enumerate(pairs[2:], start=2):
        values = np.zeros((8, 8), np.float32)
        values[4, 4] = 0.6
        pairs[position] = (image, replace(item, maps={LABEL: PatchMap(values, EXTENT)}))
    figures, _ = location_figures(pairs, Reader(NIH, LABEL), bootstrap(pairs))
    assert figures["normals_lit"]["value"] == 0


def test_without_cut_offs_what_needs_them_is_null() -> None:
    pairs = [
        (image, replace(item, cutoffs={}, overlap_thresholds={}))
        for image, item in (pair(k, k < 4, 0.8) for k in range(8))
    ]
    figures, _ = location_figures(pairs, Reader(NIH, LABEL), bootstrap(pairs))
    assert figures["miou_tuned"]["value"] is figures["chexlocalize_hit_rate"]["value"] is None
    assert figures["pointing"]["value"] == 1


def test_other_pixels_are_other_data() -> None:
    pairs = [pair(k, k < 2, 0.5) for k in range(4)]
    other = [(image, replace(item, radiograph_sha256="f" * 64)) for image, item in pairs]
    assert fingerprint(pairs) != fingerprint(other)
    assert fingerprint(pairs) == fingerprint(
        [(image, replace(item, probability={LABEL: 0.1})) for image, item in pairs]
    )


def test_the_seed_moves_the_error_by_chance_too() -> None:
    scores, truth, known = np.linspace(0.1, 0.9, 40), np.arange(40) % 2 == 0, np.arange(40)
    patients = [str(k) for k in range(40)]
    values = [
        image_figures(scores, known, truth, PatientBootstrap(patients, 50, seed))["ece_by_chance"]["value"]
        for seed in (0, 1)
    ]
    assert values[0] != values[1]
