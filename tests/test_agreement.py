"""Where an image's probability and its map say different things, the answer says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from patchclip import Engine, Radiograph
from patchclip.accuracy import DiagnosticAccuracy, OperatingPoint
from patchclip.agreement import disagreement, standing
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.model.checkpoint import load_checkpoint
from tests.tiny import tiny_checkpoint


@pytest.mark.parametrize(
    ("present", "lit", "words"),
    [
        (
            0.13,
            True,
            "A region is lit, but the image as a whole speaks against mass (P 0.13, and it speaks",
        ),
        (0.13, False, None),
        (0.2, True, "The image as a whole speaks for mass although P is only 0.20, as it does from 0.20"),
        (0.2, False, None),
        (0.49, False, None),  # a dark map beside what nobody takes for a yes
        (0.9, True, None),
        (0.5, False, "The image as a whole speaks for mass (P 0.50), but no region is lit: where it is"),
    ],
)
def test_each_way_round(present: float, lit: bool, words: str | None) -> None:
    sentence = disagreement("mass", present, 0.2, lit=lit)
    assert sentence is None if words is None else words in str(sentence)


FOUR = {  # label -> (added to its image's logit, added to its patches')
    "Effusion": (9.0, 9.0),
    "Nodule": (9.0, -9.0),
    "Mass": (-9.0, 9.0),
    "Edema": (-9.0, -9.0),
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A random model whose image and map speak for and against four findings in all four ways."""
    checkpoint = load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("agree")))
    before = checkpoint.calibration
    findings = dict(before.findings)
    for label, (image, patches) in FOUR.items():
        findings[label] = replace(before.of(label), image_bias=4 + image, patch_bias=4 + patches)
    return Engine(replace(checkpoint, calibration=replace(before, findings=findings)))


def test_answers_say_it_where_it_is_so_and_nowhere_else(engine: Engine) -> None:
    encoded = engine.encode(Radiograph.from_array(synthetic_radiograph("effusion", size=300).pixels))
    texts = ["effusion", "nodule", "no nodule", "mass", "no mass", "edema"]
    answers = engine.query(encoded, texts)
    said = {answer.query: [text for text in answer.warnings if "as a whole" in text] for answer in answers}
    assert [len(said[text]) for text in texts] == [0, 1, 1, 1, 1, 0]
    finding = {answer.query: answer.finding for answer in answers}
    assert all(f"speaks for {finding[text]} (P" in said[text][0] for text in ("nodule", "no nodule"))
    assert all(f"speaks against {finding[text]} (P" in said[text][0] for text in ("mass", "no mass"))
    assert said["nodule"] == said["no nodule"]  # P of the finding, whichever way it was asked


def test_out_of_scope_nothing_disagrees(engine: Engine) -> None:
    encoded = engine.encode(Radiograph.from_array(synthetic_radiograph("none", size=300).pixels))
    (answer,) = engine.query(encoded, ["bicycle"])
    assert answer.probability is None and not any("as a whole" in text for text in answer.warnings)


MEASURED = OperatingPoint(0.09, DiagnosticAccuracy(36, 45, 220, 275))


@pytest.mark.parametrize(
    ("present", "point", "flags", "words"),
    [
        (
            0.13,
            MEASURED,
            {},
            "P 0.13 is above 0.09, where sensitivity is 0.80 (95 % CI 0.65 to 0.90, n = 45) and specificity "
            "0.80 (0.75 to 0.85, n = 275) on held-out data.",
        ),
        (0.05, MEASURED, {"negated": True}, "P of presence 0.05 is below 0.09, where sensitivity"),
        (
            0.0912,
            MEASURED,
            {"place": True},
            "P 0.0912 is above 0.0900, where sensitivity is 0.80",
        ),
        (0.05, MEASURED, {"place": True}, "n = 275) on held-out data of whole images."),
        (
            0.05,
            OperatingPoint(0.5),
            {},
            "the model's operating point, whose sensitivity and specificity were not",
        ),
    ],
)
def test_where_a_probability_stands(
    present: float, point: OperatingPoint, flags: dict[str, bool], words: str
) -> None:
    assert words in standing(present, point, **flags)
