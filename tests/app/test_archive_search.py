"""What the page of the archive search shows of stored embeddings, and which films it can open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.archive_search.desk import HEADINGS, SearchDesk, Wanted, search_desk
from app.archive_search.films import HitFilms
from app.requests import HitRequest
from app.settings import UsageError, read_settings
from patchclip import Engine, PatchClipError, QueryError
from patchclip.__main__ import main
from patchclip.batch.names import Namer, read_key
from patchclip.errors import DataError
from tests.app.own_loop import in_own_loop
from tests.batch.archives import films
from tests.tiny import tiny_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, four films, and what a batch made of them, under references."""
    folder = tmp_path_factory.mktemp("archive")
    tiny_checkpoint(folder / "model")
    films(folder / "films", 4)
    (folder / "queries.txt").write_text("pleural effusion")
    flags = ["--queries", str(folder / "queries.txt"), "--checkpoint", str(folder / "model")]
    assert main(["batch", str(folder / "films"), *flags, "--out", str(folder / "out")]) == 0
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Engine:
    """Of that model."""
    return Engine.from_pretrained(folder / "model", device="cpu")


@pytest.fixture(scope="module")
def desk(folder: Path, engine: Engine) -> SearchDesk:
    """With the films within reach."""
    return search_desk(read_settings(["--search-films", str(folder / "films")]), engine, folder / "out")


def test_hits_are_listed_shown_and_their_films_given(desk: SearchDesk, folder: Path, engine: Engine) -> None:
    shown = in_own_loop(desk.find(Wanted("no mass, large", side="left", count=3)))
    assert len(shown.rows) == len(shown.tokens) == 3
    rows = [dict(zip(HEADINGS, row, strict=True)) for row in shown.rows]
    assert [row["hit"] for row in rows] == [1, 2, 3]
    assert [row["probability"] for row in rows] == sorted((row["probability"] for row in rows), reverse=True)
    assert all(row["finding"] == "no lung mass" and row["place"] == "left" for row in rows)
    for row in rows:
        assert row["called"] == ("present" if 1 - float(row["probability"]) >= 0.5 else "absent")
    assert "large" in shown.note and "4 of 4 images scanned" in shown.note

    told = in_own_loop(desk.show(shown.tokens[0]))
    assert f"](/#hit={shown.tokens[0]})" in told.words and "96 x 96 pixels" in told.words
    heatmap = told.plot.data[0]
    assert (heatmap.zmin, heatmap.zmax) == (0, 1) and np.asarray(heatmap.z).shape == (4, 4)
    content = in_own_loop(desk.film("window", HitRequest(hit=shown.tokens[0])))
    assert content in {path.read_bytes() for path in (folder / "films").rglob("*.png")}


def test_refusals_are_sentences(desk: SearchDesk) -> None:
    with pytest.raises(QueryError, match="far from what this model has learnt"):
        in_own_loop(desk.find(Wanted("telephone")))
    with pytest.raises(PatchClipError, match="is no day"):
        in_own_loop(desk.find(Wanted("mass", since="yesterday")))
    with pytest.raises(PatchClipError, match="search again"):
        in_own_loop(desk.film("window", HitRequest(hit="unknown")))


def test_films_are_found_by_the_key_alone(folder: Path) -> None:
    right = Namer(read_key(folder / "out", None), places=False)
    reachable = HitFilms(folder / "films", right)
    assert reachable.has(right.reference("a/000.png")) and not reachable.has("a/000.png")
    assert not HitFilms(folder / "films", Namer(b"0" * 32, places=False)).has(right.reference("a/000.png"))
    nowhere = HitFilms(None, right)
    assert not nowhere.has(right.reference("a/000.png"))
    with pytest.raises(PatchClipError, match="not within reach"):
        nowhere.content(right.reference("a/000.png"))


def test_what_cannot_be_searched_is_said_at_the_start(folder: Path, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no output of patchclip batch"):
        search_desk(read_settings([]), engine, tmp_path)
    with pytest.raises(UsageError, match="same --prior"):
        search_desk(read_settings(["--prior", "Mass=0.1"]), engine, folder / "out")
