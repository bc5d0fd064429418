"""Which models there are, which answers, and what was begun with another one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import sqlalchemy

from app.lanes import Lanes
from app.models.errors import ModelError
from app.models.in_use import InUse
from app.models.shelf import CHOICE, Shelf, chosen_checkpoint
from app.service import Service
from app.settings import Settings
from app.store import FeedbackRepository
from app.study.cases import read_cases
from app.study.making import make_study
from app.study.server import model_of, study_server
from app.study.studies import Studies
from app.uploads import Uploads
from patchclip import Engine
from patchclip.execution import Execution
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.resources import LARGER
from tests.app.page_client import PageClient, make_api
from tests.app.study.conftest import SEQUENTIAL
from tests.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A first model, and a folder with another one, a broken one and a refused one."""
    folder = tmp_path_factory.mktemp("deployment")
    tiny_checkpoint(folder / "first")
    tiny_checkpoint(folder / "models" / "second", seed=1)
    (folder / "models" / "broken").mkdir()
    (folder / "models" / "broken" / "model.json").write_text("{")
    (folder / "models" / "refused").mkdir()
    (folder / "models" / "refused" / "teach.json").write_text("{}")
    return folder


def shelf_of(models: Path, folder: Path) -> Shelf:
    """With a copy of the folder of models, in which a test may write."""
    shutil.copytree(models / "models", folder / "models")
    engine = Engine.from_pretrained(models / "first", device="cpu")
    return Shelf(InUse(engine), models / "first", folder / "models")


def test_the_choice_holds_now_and_after_a_restart(models: Path, tmp_path: Path) -> None:
    shelf = shelf_of(models, tmp_path)
    first, second = shelf.listed()
    assert [item.folder.name for item in (first, second)] == ["first", "second"]
    assert first.sha256 == shelf.in_use.engine.sha256 and second.name == "tiny"
    assert chosen_checkpoint(tmp_path / "models", None) is None

    assert shelf.use(second.sha256).folder.name == "second"
    assert shelf.in_use.engine.sha256 == second.sha256
    assert shelf.engine(first.sha256).sha256 == first.sha256  # for studies that were made with it
    assert shelf.in_use.engine.sha256 == second.sha256
    assert chosen_checkpoint(tmp_path / "models", models / "first") == tmp_path / "models" / "second"

    shelf.use(first.sha256)
    assert chosen_checkpoint(tmp_path / "models", models / "first") == models / "first"


def test_another_model_is_computed_as_the_deployment_asks(models: Path) -> None:
    bf16 = Execution(precision="bf16")
    engine = Engine.from_pretrained(models / "first", device="cpu", execution=bf16)
    shelf = Shelf(InUse(engine), models / "first", models / "models", execution=bf16)
    second = shelf.listed()[1]
    assert shelf.engine(second.sha256).backend == engine.backend == "torch, bf16"


def test_a_choice_that_is_gone_is_said_and_not_replaced(models: Path, tmp_path: Path) -> None:
    shelf = shelf_of(models, tmp_path)
    with pytest.raises(ModelError, match="The model 000000000000 is not in this server's folder"):
        shelf.use("0" * 64)
    second = shelf.listed()[1]
    shelf.use(second.sha256)
    choice = json.loads((tmp_path / "models" / CHOICE).read_text())
    others: list[object] = [
        {**choice, "sha256": "0" * 64},
        {**choice, "folder": "../../first"},
        [],
        {"folder": 1},
    ]
    for changed in others:
        (tmp_path / "models" / CHOICE).write_text(json.dumps(changed))
        with pytest.raises(ModelError, match="model that was chosen is not in"):
            chosen_checkpoint(tmp_path / "models", None)
    shutil.rmtree(tmp_path / "models" / "second")
    with pytest.raises(ModelError, match="is not in this server's folder of models"):
        shelf.use(second.sha256)
    shutil.copytree(models / "models" / "second", tmp_path / "models" / "second")  # mended without a restart
    assert shelf.use(second.sha256).sha256 == shelf.in_use.engine.sha256


def test_the_larger_bundled_model_can_be_chosen_too(tmp_path: Path) -> None:
    shelf = Shelf(InUse(Engine.from_pretrained(device="cpu")), None, tmp_path / "models")
    smaller, larger = shelf.listed()
    assert [item.name for item in (smaller, larger)] == ["patchclip-cxr-s", "patchclip-cxr-b"]
    shelf.use(larger.sha256)
    assert shelf.in_use.engine.name == "patchclip-cxr-b"
    assert chosen_checkpoint(tmp_path / "models", None) == LARGER
    shelf.use(smaller.sha256)
    assert chosen_checkpoint(tmp_path / "models", None) is None
    named = Settings(checkpoint=Path("patchclip-cxr-b"), database=str(tmp_path / "a.sqlite3"))
    assert named.checkpoint == LARGER
    assert Shelf(shelf.in_use, named.checkpoint).listed()[0].name == "patchclip-cxr-b"


def png(seed: int = 0) -> bytes:
    """A drawn film."""
    pixels = np.round(synthetic_radiograph("effusion", size=96, seed=seed).pixels * 255).astype(np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_every_reading_keeps_the_hash_of_the_model_that_answered(
    models: Path, tmp_path: Path, database: sqlalchemy.Engine, uploads: Path
) -> None:
    repository = FeedbackRepository(database)
    engine = Engine.from_pretrained(models / "first", device="cpu")
    service = Service(InUse(engine), repository, study_memory_mb=50, upload_limit_mb=1)
    shutil.copytree(models / "models", tmp_path / "models")
    shelf = Shelf(service.in_use, models / "first", tmp_path / "models")
    window = PageClient(make_api(service, Uploads(uploads, 1_000_000)))
    first, second = (item.sha256 for item in shelf.listed())

    def ask(study: str) -> object:
        (answer,) = window.call("ask", study=study, text="effusion")["answers"]
        return answer["map"]["values"]  # untrained models hardly differ in their probabilities

    def save(study: str, key: str, model: str | None, *, status: int = 200) -> str:
        reading = {"key": key * 32, "query": "effusion", "presence": "present", "reader": "Ada"}
        reply = window.call("save", **reading, study=study, model=model)
        assert window.status == status
        return str(reply.get("error", ""))

    before = window.send("open_upload", png())
    assert before["model"]["sha256"] == first
    old = ask(before["study"])
    shelf.use(second)
    assert ask(before["study"]) == old  # a film that is open keeps its model
    after = window.send("open_upload", png())
    assert after["model"]["sha256"] == second == window.call("start")["model"]["sha256"]
    assert ask(after["study"]) != old
    save(before["study"], "1", first)
    save(after["study"], "2", second)
    # Where the server has made the film anew, the page must not store what its reader was shown before.
    error = save(after["study"], "3", first, status=400)
    assert error.startswith("Another model answers since this answer was shown")
    rows = repository.rows()
    assert [row["model_sha256"] for row in reversed(rows)] == [first, second]
    service.lanes.close()


def test_a_study_goes_on_with_the_model_that_it_was_made_with(
    models: Path, tmp_path: Path, database: sqlalchemy.Engine
) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "0.png").write_bytes(png())
    shelf, lanes = shelf_of(models, tmp_path), Lanes()
    engine = shelf.in_use.engine
    server = study_server(database, engine, None, tmp_path / "ready", None, lanes, shelf=shelf)
    cases = read_cases(tmp_path / "films", engine.vocabulary)
    first, second = (item.sha256 for item in shelf.listed())
    make_study(Studies(database), model_of(shelf.in_use.engine), "old", SEQUENTIAL, cases, ("anna",))
    shelf.use(second)
    make_study(Studies(database), model_of(shelf.in_use.engine), "new", SEQUENTIAL, cases, ("anna",))
    works = server.ahead.pending()
    assert [work.key.model_sha256 for work in works] == [first, second]
    for work in works:
        server.ahead.ensure(work)
    with database.connect() as connection:
        told = connection.execute(
            sqlalchemy.text(
                "SELECT study.name, probability FROM study_answer JOIN study_case ON case_id = study_case.id "
                "JOIN study ON study_id = study.id WHERE finding = 'Effusion' ORDER BY study.id"
            )
        ).all()
    assert [name for name, _ in told] == ["old", "new"] and told[0][1] != told[1][1]
    lanes.close()
