"""With the bundled model each bundled example lights the finding that it asks for, and the normal film stays
dark."""

from __future__ import annotations

import pytest

from app.examples import Example, examples
from patchclip import Engine, load_radiograph

ASKING = [item for item in examples() if item.question]
NORMAL = "nih_normal.jpg"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The bundled one."""
    return Engine.from_pretrained()


def test_there_are_examples_that_ask_and_one_that_does_not() -> None:
    assert len(ASKING) >= 2
    assert len({item.file for item in examples()}) == len(examples()) > len(ASKING)
    assert all(item.path.is_file() and item.title and item.origin for item in examples())


@pytest.mark.parametrize("item", [item for item in ASKING if item.file != NORMAL], ids=lambda item: item.file)
def test_an_example_lights_its_finding(engine: Engine, item: Example) -> None:
    # If a new model leaves one dark, `python -m tests.benchmarks.examples` says what each of them lights.
    assert item.question is not None
    (answer,) = engine.query(engine.encode(load_radiograph(item.path)), [item.question])
    assert answer.regions, f"{item.file} stays dark: map up to {answer.map.values.max():.2f}"
    assert answer.operating_point is None or answer.require_probability() >= answer.operating_point.threshold


def test_the_normal_film_stays_dark_whatever_is_asked(engine: Engine) -> None:
    (item,) = [item for item in ASKING if item.file == NORMAL]
    encoded = engine.encode(load_radiograph(item.path))
    answers = engine.query(encoded, [finding.name for finding in engine.vocabulary.findings])
    assert len(answers) > 15
    for answer in answers:
        assert not answer.regions, answer.query
        assert answer.operating_point is None or (
            answer.require_probability() < answer.operating_point.threshold
        ), answer.query
