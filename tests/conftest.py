"""Shared fixtures: the real data where it is present, synthetic radiographs, and the bundled engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from patchclip import Engine, Radiograph
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.text import Vocabulary
from tests.tiny import keep_in

ROOT = Path(__file__).resolve().parents[1]
LONGEST = (
    "browser/test_study_whole.py",
    "trainer/fit/test_fit.py",
    "trainer/fit/test_loop.py",
    "trainer/fit/test_processes.py",
    "browser/test_models.py",
    "image/test_gate.py",
    "app/test_no_trace.py",
    "trainer/teach/test_teach.py",
    "load/test_soak.py",
    "zoo/test_folder.py",
    "batch/test_batch.py",
    "browser/test_studies.py",
    "browser/test_errors.py",
    "browser/test_round_trip.py",
)
"""Files whose few tests take a minute or more: begun first, so that no worker is left alone with one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, all others as they were collected."""
    place = {ROOT / "tests" / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> Iterator[None]:
    """Tests share their machine; more threads than cores make all of them slow."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    torch.set_num_threads(min(2, os.cpu_count() or 1) if alone else 1)
    yield


@pytest.fixture(autouse=True, scope="session")
def _miniatures_made_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All workers of a run copy from the same ones."""
    base = tmp_path_factory.getbasetemp()
    keep_in((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "miniatures")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real radiographs, which are no part of the project."""
    folder = Path(os.environ.get("PATCHCLIP_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real radiographs are not here; set PATCHCLIP_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The bundled checkpoint, loaded once."""
    return Engine.from_pretrained(device="cpu")


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    """The project's vocabulary."""
    return Vocabulary.from_json(ROOT / "assets" / "vocabulary.json")


@pytest.fixture(scope="session")
def effusion() -> Radiograph:
    """A synthetic chest with an effusion on the patient's left."""
    return Radiograph.from_array(synthetic_radiograph("effusion", size=512, seed=5).pixels)
