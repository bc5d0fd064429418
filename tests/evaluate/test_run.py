"""Figures on predictions whose truth is known: subgroups, second reader, claim counts, data hash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from patchclip.evaluate.bootstrap import PatientBootstrap
from patchclip.evaluate.case import Case
from patchclip.evaluate.claim import claim
from patchclip.evaluate.dataset import CHESTX_DET, NIH
from patchclip.evaluate.findings import image_figures, location_figures
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.report import ClaimCounts
from patchclip.evaluate.run import data_sha256
from patchclip.evaluate.subgroups import second_reader, subgroups
from patchclip.evaluate.truth import ImageTruth, Reader
from tests.evaluate.cases import EFFUSION, bootstrap, image, patch_map, prediction


def case(
    number: int,
    present: bool,
    probability: float,
    *,
    right: bool = True,
    sex: str = "F",
    source: str = NIH,
    read: bool = False,
) -> Case:
    """One image; with effusion it has a box, and its map peaks inside (`right`) or outside of it."""
    values = np.zeros((8, 8), np.float32)
    values[(2, 3) if right else (6, 6)] = 0.9 if present else 0.1
    labels = frozenset({EFFUSION if present else "No Finding"})
    boxed = (EFFUSION,) if present else ()
    taken = image(number, labels, boxed=boxed, source=source, read=read, sex=sex)
    return Case(taken, prediction(number, {EFFUSION: values}, probability))


def changed(cases: list[Case], **fields: object) -> list[Case]:
    """The same with other values in every prediction."""
    return [Case(item.image, replace(item.prediction, **fields)) for item in cases]  # type: ignore[arg-type]


def test_a_subgroup_has_its_own_figures() -> None:
    """Women: ranked and located without a mistake; men: all wrong; their age band is that of all."""
    women = [case(k, k < 6, 0.9 if k < 6 else 0.1) for k in range(12)]
    men = [case(20 + k, k < 6, 0.1 if k < 6 else 0.9, right=False, sex="M") for k in range(12)]
    groups = subgroups([EFFUSION], [*women, *men], bootstrap([*women, *men]))
    for group, expected in (("sex F", 1), ("sex M", 0)):
        figures = groups[group].findings[EFFUSION]
        assert figures["auroc"].value == figures["pointing"].value == expected
    assert groups["age 40 to 64"].images == 24
    assert groups["age 40 to 64"].findings[EFFUSION]["auroc"].value == 0.5
    assert "view AP" not in groups and "age under 40" not in groups


def test_the_second_reader_has_his_own_truth() -> None:
    """His boxes alone make an image positive, on the images that he read."""
    cases = [case(k, k < 3, 0.8 if k < 3 else 0.2, source=CHESTX_DET, read=True) for k in range(8)]
    cases.append(case(9, True, 0.1))  # NIH's box on an image that he never saw
    figures = second_reader([EFFUSION], cases, bootstrap(cases))[EFFUSION]
    assert figures.image["auroc"].value == 1 and figures.image["auroc"].n == 8
    assert figures.location.boxed["pointing"].n == 3 and figures.location.boxed["pointing"].value == 1


def test_a_claim_says_on_what_it_stands() -> None:
    cases = [case(k, k < 4, 0.8) for k in range(10)]
    twins = [
        Case(
            item.image,
            replace(item.prediction, saliency={("grad_cam", EFFUSION): item.prediction.maps[EFFUSION]}),
        )
        for item in cases
    ]
    comparison = claim([EFFUSION, "Mass"], cases, twins, [], bootstrap(cases))
    assert set(comparison) == {EFFUSION}
    assert comparison[EFFUSION].counts == ClaimCounts(images=10, boxes=4, normals=6)
    rivals = {Method("grad_cam", twin=True, scaling="raw"), Method("grad_cam", twin=True, scaling="gated")}
    assert set(comparison[EFFUSION].costs) == {PATCH_MAP, *rivals}
    assert comparison[EFFUSION].costs[PATCH_MAP][0.6].fp_regions_per_image.value == 0


def test_a_fragment_is_no_region_and_lights_no_normal() -> None:
    """A peak of .6 over dark neighbours is above .5 on less than half a patch: nothing is shown there."""
    values = np.zeros((8, 8), np.float32)
    values[4, 4] = 0.6
    normal = changed([case(k, False, 0.8) for k in range(2, 6)], maps={EFFUSION: patch_map(values)})
    cases = [case(0, True, 0.8), case(1, True, 0.8), *normal]
    figures = location_figures(cases, Reader(NIH, EFFUSION), bootstrap(cases))
    assert figures.regions["normals_lit"].value == 0


def test_without_cut_offs_what_needs_them_is_undefined() -> None:
    cases = changed([case(k, k < 4, 0.8) for k in range(8)], cutoffs={}, overlap_thresholds={})
    figures = location_figures(cases, Reader(NIH, EFFUSION), bootstrap(cases)).boxed
    assert figures["miou_tuned"].value is figures["chexlocalize_hit_rate"].value is None
    assert figures["pointing"].value == 1


def test_without_boxes_only_normal_images_say_something() -> None:
    cases = [case(k, False, 0.8) for k in range(8)]
    figures = location_figures(cases, Reader(NIH, EFFUSION), bootstrap(cases))
    assert figures.boxed["pointing"].value is figures.froc["froc"]["0.5"].value is None
    assert figures.regions["normals_lit"].value == 0 and figures.regions["normals_lit"].n == 8


def test_other_pixels_are_other_data() -> None:
    cases = [case(k, k < 2, 0.5) for k in range(4)]
    assert data_sha256(cases) != data_sha256(changed(cases, radiograph_sha256="f" * 64))
    assert data_sha256(cases) == data_sha256(changed(cases, probability={EFFUSION: 0.1}))


def test_the_seed_moves_the_error_by_chance_too() -> None:
    scores = np.linspace(0.1, 0.9, 40)
    truth = ImageTruth(np.arange(40), np.arange(40) % 2 == 0)
    patients = [str(k) for k in range(40)]
    errors = [
        image_figures(scores, truth, PatientBootstrap(patients, 50, seed))["ece_by_chance"].value
        for seed in (0, 1)
    ]
    assert errors[0] != errors[1]
