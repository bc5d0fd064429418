"""A report for readers: names, colours and curves of every method, known or not; intervals in words."""

from __future__ import annotations

import numpy as np
import pytest

from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.render.plots import colour_of, drawn_methods, operating_plot
from patchclip.evaluate.render.words import figure_text, main_methods, method_name
from patchclip.evaluate.report import OperatingCurve
from patchclip.saliency import SALIENCY
from patchclip.saliency.registry import SCALINGS


@pytest.mark.parametrize(
    ("key", "method", "name"),
    [
        ("patch_map", PATCH_MAP, "Patch map"),
        ("grad_cam", Method("grad_cam"), "Grad-CAM"),
        ("layer_cam_raw", Method("layer_cam", scaling="raw"), "LayerCAM, raw"),
        (
            "twin_grad_cam_plus_plus_gated",
            Method("grad_cam_plus_plus", twin=True, scaling="gated"),
            "Grad-CAM++ of the twin without boxes, gated",
        ),
        ("twin on Mass", Method("twin on Mass"), "twin on Mass"),
    ],
)
def test_a_method_is_its_key(key: str, method: Method, name: str) -> None:
    assert Method.parse(key) == method and str(method) == key
    assert method_name(method) == name


def test_every_method_of_the_registry_can_be_shown() -> None:
    for key, saliency in SALIENCY.items():
        for method in (Method(key, twin, scaling) for twin in (False, True) for scaling in SCALINGS):
            assert method_name(Method.parse(str(method))).startswith(saliency.title)
        assert colour_of(Method(key, scaling="raw")) == colour_of(Method(key)) == saliency.colour
    colours = {colour_of(Method(key)) for key in SALIENCY} | {colour_of(PATCH_MAP)}
    assert len(colours) == len(SALIENCY) + 1


def test_a_method_that_no_table_knows_is_drawn_all_the_same() -> None:
    """A report of a method that has since left the registry, or that someone else computed."""
    stranger = Method("score_cam", scaling="raw")
    curve = OperatingCurve([0.5, 1.0], [0.2, 0.3], [0.1, 0.2], [0.3, 0.4])
    plot = operating_plot({PATCH_MAP: curve, stranger: curve}, "Mass")
    drawn = {trace.name: trace.visible for trace in plot.data if trace.name}
    assert drawn == {"Patch map": True, "score_cam, raw": True}
    assert colour_of(stranger) not in {saliency.colour for saliency in SALIENCY.values()}


def test_grad_cam_stands_beside_the_patch_map_and_without_it_all_do() -> None:
    rivals = [Method(name, scaling="gated") for name in ("eigen_cam", "grad_cam", "raw_cosine")]
    assert main_methods([PATCH_MAP, *rivals]) == [PATCH_MAP, rivals[1]]
    assert drawn_methods([PATCH_MAP, *rivals]) == [PATCH_MAP, rivals[1], rivals[2]]
    assert main_methods([PATCH_MAP, rivals[0]]) == [PATCH_MAP, rivals[0]]
    assert main_methods([PATCH_MAP]) == [PATCH_MAP]


def test_figures_in_words() -> None:
    def figure(value: float | None, low: float | None, high: float | None) -> Figure:
        return Figure(value, (low, high), 9, np.empty(0))

    assert figure_text(figure(0.871, 0.8, 0.93)) == "0.87 (0.80 to 0.93)"
    assert figure_text(figure(0.871, 0.8, 0.93), 1) == "0.9 (0.8 to 0.9)"
    assert figure_text(figure(1, 0.5, None)) == "1.00 (0.50 to ∞)"
    assert figure_text(figure(1, None, 2)) == "1.00 (-∞ to 2.00)"
    assert figure_text(figure(1, None, None)) == "1.00"
    assert figure_text(figure(None, None, None)) == figure_text(None) == "–"
