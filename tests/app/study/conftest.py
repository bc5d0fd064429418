"""A small reader study on an untrained model: six drawn films, two readers, asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy

from app.lanes import Lanes
from app.study.cases import read_cases
from app.study.making import make_study
from app.study.server import StudyServer, model_of, study_server
from app.study.studies import Studies
from patchclip import Engine
from patchclip.image.synthetic import synthetic_radiograph
from tests.tiny import KINDS, tiny_checkpoint

FILMS = 6
SECRET = "mustermann"  # in every file's name: nothing of it may leave the server
SEQUENTIAL = """
title = "Two findings"
findings = ["Effusion", "pleural thickening"]
arms = ["sequential"]
maps = { A = "patch", B = "gradcam" }
seed = 7
"""
CROSSOVER = """
title = "With and without"
findings = ["Effusion", "Nodule"]
arms = ["unaided", "aided"]
maps = { A = "patch" }
washout_days = 28
"""


@pytest.fixture(scope="session")
def tiny_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine that answers at random, but always the same."""
    return Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn films, half of them below a folder of their own."""
    folder = tmp_path_factory.mktemp("films")
    (folder / "more").mkdir()
    kinds = list(KINDS)
    for number in range(FILMS):
        drawn = synthetic_radiograph(kinds[number % len(kinds)], size=96, seed=number)
        place = folder / ("more" if number % 2 else ".") / f"{SECRET}_{number}.png"
        assert cv2.imwrite(str(place), np.round(drawn.pixels * 255).astype(np.uint8))
    return folder


@dataclass
class Bench:
    """A server with studies, without HTTP."""

    database: sqlalchemy.Engine
    studies: Studies
    server: StudyServer
    lanes: Lanes
    engine: Engine
    folder: Path

    def make(self, films: Path, protocol: str, readers: tuple[str, ...], name: str = "small") -> int:
        """A study of all films of a folder or manifest."""
        cases = read_cases(films, self.engine.vocabulary)
        return make_study(self.studies, model_of(self.engine), name, protocol, cases, readers)

    def make_ready(self) -> None:
        """All that the worker would do."""
        for work in self.server.ahead.pending():
            self.server.ahead.ensure(work)


@pytest.fixture
def bench(tmp_path: Path, tiny_engine: Engine, database: sqlalchemy.Engine) -> Iterator[Bench]:
    """An empty one."""
    lanes = Lanes()
    folder = tmp_path / "studies"
    server = study_server(database, tiny_engine, None, folder, tmp_path, lanes)
    yield Bench(database, Studies(database), server, lanes, tiny_engine, folder)
    server.ahead.close()
    lanes.close()
