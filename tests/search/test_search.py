"""Search over stored embeddings: its answers are the engine's own on the images, and nothing is missed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.special import logit

from patchclip import Encoded, Engine, QueryError, load_radiograph
from patchclip.__main__ import main
from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.search import scan
from patchclip.search.index import FACTS, Index
from patchclip.search.run import extent
from patchclip.search.scan import nearest
from patchclip.search.searcher import ROUNDING, Filters, Searcher
from patchclip.search.words import with_place
from tests.batch.archives import contrasting_checkpoint, films
from tests.image.dicoms import CHEST, content, dicom
from tests.tiny import tiny_checkpoint

TOLERANCE = 0.01


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, source: Path) -> Path:
    """A tiny model that tells the films apart."""
    return contrasting_checkpoint(tmp_path_factory.mktemp("model"), source)


@pytest.fixture(scope="module")
def engine(checkpoint: Path) -> Engine:
    """Of that model."""
    return Engine.from_pretrained(checkpoint, device="cpu")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten films as PNG, and two as DICOM with their views."""
    folder = tmp_path_factory.mktemp("in")
    films(folder, 10, size=200)
    for view in ("PA", "AP"):
        stored = np.round(CHEST * 4000).astype(np.uint16)
        (folder / f"{view}.dcm").write_bytes(
            content(dicom(stored[:, : 300 if view == "AP" else 320].copy(), ViewPosition=view))
        )
    return folder


def batch(source: Path, out: Path, checkpoint: Path) -> None:
    """Fills a folder, in parts of five files."""
    (out.parent / "queries.txt").write_text("pleural effusion")
    flags = ["--queries", str(out.parent / "queries.txt"), "--out", str(out), "--checkpoint", str(checkpoint)]
    assert main(["batch", str(source), *flags, "--names", "place", "--part-size", "5"]) == 0


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, source: Path, checkpoint: Path) -> Path:
    """What a batch made of the films."""
    out = tmp_path_factory.mktemp("out") / "out"
    batch(source, out, checkpoint)
    return out


@pytest.fixture(scope="module")
def images(source: Path, engine: Engine) -> dict[str, Encoded]:
    """The films themselves, encoded."""
    return {
        path.relative_to(source).as_posix(): engine.encode(load_radiograph(path))
        for path in sorted(source.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    "text",
    [
        "pneumothorax",
        "no pleural effusion",
        "pneumothorax, left",
        "no mass in the left lower zone",
        "bilateral effusion",
        "effusion and cardiomegaly",
    ],
)
def test_hits_are_the_engines_own_answers_on_the_images_in_their_order(
    out: Path, engine: Engine, images: dict[str, Encoded], text: str
) -> None:
    """From float16 embeddings alone: probability, map, regions, warnings."""
    searcher = Searcher(out, engine)
    found = searcher.search(text, count=12)
    searcher.close()
    truth = {
        place: min(answer.require_probability() for answer in engine.query(encoded, [text]))
        for place, encoded in images.items()
    }
    assert (found.images, found.eligible, found.complete) == (12, 12, True)
    logits = {place: logit(value) for place, value in truth.items()}
    assert np.ptp(list(logits.values())) > 10 * ROUNDING  # so that an order is one
    assert [hit.probability for hit in found.hits] == pytest.approx(
        sorted(truth.values())[::-1], abs=TOLERANCE
    )
    for hit in found.hits:
        assert hit.probability == pytest.approx(truth[hit.image], abs=TOLERANCE)
        assert logit(hit.probability) == pytest.approx(logits[hit.image], abs=ROUNDING)
        encoded = images[hit.image]
        assert hit.encoded.radiograph_sha256 == encoded.radiograph_sha256
        assert hit.encoded.warnings == encoded.warnings
        for stored, answer in zip(hit.answers, engine.query(encoded, [text]), strict=True):
            assert np.abs(stored.map.values - answer.map.values).max() < TOLERANCE
            assert stored.map.extent == answer.map.extent
            assert stored.finding == answer.finding and stored.place == answer.place
    assert any(place is not None for place in (images[hit.image].thorax for hit in found.hits))


def test_few_are_answered_where_no_other_can_be_more_probable(
    out: Path, engine: Engine, images: dict[str, Encoded]
) -> None:
    truth = sorted(
        (answer.require_probability() for item in images.values() for answer in engine.query(item, ["mass"])),
        reverse=True,
    )
    searcher = Searcher(out, engine)
    found = searcher.search("mass", count=2)
    assert found.complete and found.answered < 12
    assert [hit.probability for hit in found.hits] == pytest.approx(truth[:2], abs=TOLERANCE)
    # A place lowers the probability of a finding, and raises that of its absence: nothing is promised then.
    cut = searcher.search("no mass in the left lower zone", count=2, depth=3)
    assert not cut.complete and cut.answered == 3
    searcher.close()


@pytest.mark.parametrize(
    ("text", "turn", "words"),
    [("pneumothorax, large", -1, '"large"'), ("very small pneumothorax", 1, '"small"')],
)
def test_a_size_orders_what_is_called_present_by_the_lit_share_and_says_so(
    out: Path, engine: Engine, images: dict[str, Encoded], text: str, turn: int, words: str
) -> None:
    """The order follows from the engine's own answers on the images themselves."""
    searcher = Searcher(out, engine)
    found = searcher.search(text, count=12)
    few = searcher.search(text, count=2)
    shallow = searcher.search(text, count=2, depth=3)
    searcher.close()
    truth = {place: engine.query(encoded, [text])[0] for place, encoded in images.items()}
    share = {place: float((item.map.values >= item.threshold).mean()) for place, item in truth.items()}
    present = [place for place, item in truth.items() if item.require_probability() >= 0.5]
    lit = [place for place in present if share[place] > 0]
    assert len(lit) >= 2 and len({share[place] for place in lit}) >= 2 and len(present) < 12
    order = [hit.image for hit in found.hits]
    assert [share[place] for place in order[: len(lit)]] == pytest.approx(
        sorted((share[place] for place in lit), key=lambda value: turn * value), abs=1 / 16
    )
    assert set(order[: len(present)]) == set(present)
    rest = [truth[place].require_probability() for place in order[len(present) :]]
    assert rest == pytest.approx(sorted(rest, reverse=True), abs=TOLERANCE)
    assert "measures no size" in found.notes[0] and words in found.notes[0]
    assert not any(note.startswith("Not asked for") and words in note for note in found.notes)
    assert few.complete and [hit.image for hit in few.hits] == order[:2] and few.answered < 12
    assert not shallow.complete and "others may come before the last of these" in extent(shallow)


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("no large effusion", "large"),
        ("a large mass and a tiny effusion", "large, tiny"),
        ("small to large effusion", "small, large"),
        ("not large effusion", "not, large"),
        ("moderate effusion of the patient, 3 cm", "moderate, 3, cm"),
    ],
)
def test_a_size_that_cannot_order_hits_is_said_to_be_unused(
    out: Path, engine: Engine, text: str, unused: str
) -> None:
    searcher = Searcher(out, engine)
    found = searcher.search(text, count=12)
    searcher.close()
    assert f"Not asked for, since the model does not tell it: {unused}." in found.notes
    assert found.size is None
    probabilities = [hit.probability for hit in found.hits]
    assert probabilities == sorted(probabilities, reverse=True)


def test_filters_leave_views_and_days(out: Path, engine: Engine) -> None:
    searcher = Searcher(out, engine)
    today = datetime.now(UTC).date()
    assert [hit.image for hit in searcher.search("mass", Filters(views=("PA",))).hits] == ["PA.dcm"]
    both = searcher.search("mass", Filters(views=("PA", "AP"), since=today, until=today))
    assert {hit.image for hit in both.hits} == {"PA.dcm", "AP.dcm"} and both.eligible == 2
    assert {hit.encoded.facts.view for hit in both.hits} == {"PA", "AP"}
    assert searcher.search("mass", Filters(until=date(2020, 1, 1))).hits == ()
    searcher.close()


def test_days_are_both_included() -> None:
    facts = np.zeros(4, FACTS)
    facts["day"] = [(date(2026, 1, day) - date(1970, 1, 1)).days for day in (1, 2, 3, 4)]
    index = Index((), facts, np.empty((4, 3), np.float16))
    chosen = Filters(since=date(2026, 1, 2), until=date(2026, 1, 3)).chosen(index)
    assert chosen is not None and chosen.tolist() == [False, True, True, False]
    assert Filters().chosen(index) is None


def test_what_the_model_has_not_learnt_is_refused_with_the_gates_sentence(
    out: Path,
    checkpoint: Path,
    engine: Engine,
    capsys: pytest.CaptureFixture[str],
    images: dict[str, Encoded],
) -> None:
    (answer,) = engine.query(next(iter(images.values())), ["telephone"])
    assert main(["search", str(out), "telephone", "--checkpoint", str(checkpoint)]) == 1
    printed = capsys.readouterr()
    assert printed.out == "" and answer.warnings[-1] in printed.err and "far from" in printed.err


def test_the_command_prints_hits_and_says_what_was_not_used(
    out: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--checkpoint", str(checkpoint), "--count", "3", "--side", "left"]
    assert main(["search", str(out), "moderate pneumothorax", *flags]) == 0
    printed = capsys.readouterr()
    hits = [json.loads(line) for line in printed.out.splitlines()]
    assert len(hits) == 3
    assert [hit["probability"] for hit in hits] == sorted((hit["probability"] for hit in hits), reverse=True)
    assert all(hit["answers"][0]["place"] == "left" for hit in hits)
    model = {"name": "tiny", "sha256": load_checkpoint(checkpoint).sha256, "backend": "torch, fp32"}
    assert all(hit["model"] == model for hit in hits)
    assert "Not asked for, since the model does not tell it: moderate." in printed.err
    assert "12 of 12 images scanned" in printed.err and "not for clinical use" in printed.err


def test_a_place_beside_a_text_is_understood_or_refused(engine: Engine) -> None:
    assert with_place(engine, "effusion.", "left", "lower zone") == "effusion, left lower zone"
    with pytest.raises(QueryError, match="names a place already"):
        with_place(engine, "left effusion", "right", None)
    with pytest.raises(QueryError, match="not understood as a place"):
        with_place(engine, "effusion", None, "kitchen")


def test_new_parts_are_found_and_a_finding_indexed_before_or_after_has_the_same_order(
    source: Path, checkpoint: Path, engine: Engine, tmp_path: Path
) -> None:
    """One finding's index grows, another's is made at once: both lead to the same rows."""
    grown, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(source / "a", grown)
    batch(grown, out, checkpoint)
    searcher = Searcher(out, engine)
    assert searcher.search("mass").images == 5
    shutil.copytree(source / "b", grown / "b")
    batch(grown, out, checkpoint)
    for text in ("mass", "cardiomegaly"):
        found = searcher.search(text, count=10)
        assert found.images == 10 and len({hit.image for hit in found.hits}) == 10
        for hit in found.hits:
            encoded = engine.encode(load_radiograph(grown / hit.image))
            assert hit.probability == pytest.approx(
                engine.query(encoded, [text])[0].require_probability(), abs=TOLERANCE
            )
    searcher.close()


def test_a_part_that_is_made_again_is_indexed_and_read_anew(
    source: Path, checkpoint: Path, engine: Engine, tmp_path: Path
) -> None:
    """It keeps its name, and has more rows, in another order, than before."""
    folder, out = tmp_path / "in", tmp_path / "out"
    shutil.copytree(source / "a", folder)
    whole = (folder / "000.png").read_bytes()
    (folder / "000.png").write_bytes(whole[:200])
    (tmp_path / "queries.txt").write_text("mass")
    command = ["batch", str(folder), "--queries", str(tmp_path / "queries.txt"), "--out", str(out)]
    command += ["--checkpoint", str(checkpoint), "--names", "place", "--part-size", "5"]
    assert main(command) == 1
    searcher = Searcher(out, engine)
    assert {hit.image for hit in searcher.search("mass").hits} == {
        f"00{number}.png" for number in (2, 4, 6, 8)
    }
    (folder / "000.png").write_bytes(whole)
    assert main([*command, "--retry"]) == 0
    found = searcher.search("mass")
    searcher.close()
    assert found.images == 5
    for hit in found.hits:
        encoded = engine.encode(load_radiograph(folder / hit.image))
        assert hit.encoded.radiograph_sha256 == encoded.radiograph_sha256
        assert hit.probability == pytest.approx(
            engine.query(encoded, ["mass"])[0].require_probability(), abs=TOLERANCE
        )


def test_rows_of_another_model_are_refused_wherever_they_come_from(
    out: Path, engine: Engine, tmp_path: Path
) -> None:
    shutil.copytree(out, tmp_path / "out")
    searcher = Searcher(tmp_path / "out", engine)
    assert searcher.search("mass", count=1).hits
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    changed = record | {"model_sha256": "0" * 64}
    (tmp_path / "out" / "run.json").write_text(json.dumps(changed))
    with pytest.raises(DataError, match="made anew meanwhile"):
        searcher.search("mass")
    searcher.close()
    (tmp_path / "out" / "run.json").write_text(json.dumps(record))
    table = sorted((tmp_path / "out" / "embeddings").glob("*.parquet"))[0]
    rows = pq.read_table(table, use_threads=False)
    column = rows.schema.get_field_index("model")
    other = rows.set_column(column, "model", pa.array(["0" * 64] * len(rows)))
    pq.write_table(other, table)
    with pytest.raises(DataError, match="of another model than its folder"):
        Searcher(tmp_path / "out", engine).search("mass")


def test_a_folder_of_another_model_or_none_is_refused(out: Path, tmp_path: Path) -> None:
    other = Engine.from_pretrained(tiny_checkpoint(tmp_path / "other", seed=1), device="cpu")
    with pytest.raises(DataError, match="made with another model"):
        Searcher(out, other)
    with pytest.raises(DataError, match="no output of patchclip batch"):
        Searcher(tmp_path, other)


def test_the_scan_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against numpy in float32, over several blocks, with and without rows that do not count."""
    monkeypatch.setattr(scan, "BLOCK", 64)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((300, 33)).astype(np.float16)
    query = rng.standard_normal(33).astype(np.float32)
    products = vectors.astype(np.float32) @ query.astype(np.float16).astype(np.float32)
    for chosen in (None, rng.random(300) < 0.2):
        rows = np.arange(300) if chosen is None else np.flatnonzero(chosen)
        expected = rows[np.argsort(-products[rows])][:25]
        got = nearest(vectors, query, 25, chosen)
        assert got.rows.tolist() == expected.tolist()
        assert got.scores == pytest.approx(products[expected], abs=2e-3)
    assert len(nearest(vectors, query, 9, np.zeros(300, bool)).rows) == 0
