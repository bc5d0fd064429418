"""Fixtures of the front end's tests: a database, a service on a fake engine, a window of its page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
import sqlalchemy
from starlette.applications import Starlette

from app.backup import closing_engine
from app.models.in_use import InUse
from app.service import Service
from app.store import FeedbackRepository, migrate, open_database
from app.uploads import Uploads
from patchclip import Engine
from tests.app.fake_engine import FakeEngine
from tests.app.page_client import PageClient, make_api
from tests.app.postgres import Server, serving

UPLOAD_LIMIT_MB = 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Modules that say BOTH_DATABASES are run on SQLite and on PostgreSQL, but for tests marked `sqlite`."""
    if "database" not in metafunc.fixturenames or not getattr(metafunc.module, "BOTH_DATABASES", False):
        return
    both = metafunc.definition.get_closest_marker("sqlite") is None
    metafunc.parametrize("database", ("sqlite", "postgresql") if both else ("sqlite",), indirect=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database of the newest schema, to copy: its migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("empty") / "feedback.sqlite3"
    with closing_engine(open_database(path)) as engine:
        migrate(engine)
    return path


@pytest.fixture
def database(
    request: pytest.FixtureRequest, empty_database: Path, tmp_path: Path
) -> Iterator[sqlalchemy.Engine]:
    """A migrated database: a file in an empty folder, or one of a server's own."""
    if getattr(request, "param", "sqlite") == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        with server.database() as name, closing_engine(open_database(server.url(name))) as engine:
            yield engine
        return
    shutil.copy2(empty_database, tmp_path / "feedback.sqlite3")
    with closing_engine(open_database(tmp_path / "feedback.sqlite3")) as engine:
        yield engine


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
def service(repository: FeedbackRepository) -> Iterator[Service]:
    """The page's server side with a fake engine."""
    service = Service(
        InUse(cast(Engine, FakeEngine())), repository, study_memory_mb=50, upload_limit_mb=UPLOAD_LIMIT_MB
    )
    yield service
    service.lanes.close()


@pytest.fixture
def api(service: Service, uploads: Path) -> Starlette:
    """The page's requests over HTTP."""
    return make_api(service, Uploads(uploads, UPLOAD_LIMIT_MB * 1_000_000))


@pytest.fixture
def window(api: Starlette) -> PageClient:
    """A window."""
    return PageClient(api)


@pytest.fixture
def png() -> bytes:
    """A grey gradient of 400 x 320 pixels (height x width) as PNG."""
    done, encoded = cv2.imencode(".png", np.tile(np.linspace(0, 255, 320).astype(np.uint8), (400, 1)))
    assert done
    return encoded.tobytes()


@pytest.fixture
def study(window: PageClient, png: bytes) -> str:
    """The id of an open study of 400 x 320 pixels."""
    return str(window.send("open_upload", png)["study"])
