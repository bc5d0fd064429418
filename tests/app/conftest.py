"""Fixtures of the front end's tests: a database, a service on a fake engine, an image file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import sqlalchemy

from app.service import Service
from app.store import FeedbackRepository, migrate, open_database
from patchclip import Engine
from tests.app.fake_engine import FakeEngine


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlalchemy.Engine]:
    """A migrated database in an empty folder."""
    engine = open_database(tmp_path / "feedback.sqlite3")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def repository(database: sqlalchemy.Engine) -> FeedbackRepository:
    """The store on that database."""
    return FeedbackRepository(database)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The folder that uploads arrive in."""
    folder = tmp_path / "uploads"
    folder.mkdir()
    return folder


@pytest.fixture
def service(repository: FeedbackRepository, uploads: Path) -> Service:
    """The page's server side with a fake engine."""
    return Service(cast(Engine, FakeEngine()), repository, uploads, studies_each=2)


@pytest.fixture
def png() -> bytes:
    """A grey gradient of 400 x 320 pixels (height x width) as PNG."""
    done, encoded = cv2.imencode(".png", np.tile(np.linspace(0, 255, 320).astype(np.uint8), (400, 1)))
    assert done
    return encoded.tobytes()
