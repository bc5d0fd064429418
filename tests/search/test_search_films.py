"""Search over what the bundled model stores of real radiographs, against its own answers on them."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logit

from patchclip import Engine, load_radiograph
from patchclip.__main__ import main
from patchclip.search.searcher import ROUNDING, Searcher
from tests.batch.archives import rows_of

FILMS = 5
QUERIES = ("pleural effusion", "no pneumothorax", "cardiomegaly", "mass", "effusion on the left")
APART = 0.01
"""Of a probability, by which float16 may move it."""


@pytest.fixture(scope="module")
def films(data_folder: Path) -> list[Path]:
    """Radiographs of different patients, some with findings, that the model was not trained on."""
    with (data_folder / "nih" / "images.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "val"]
    by_patient = {row["patient_id"]: row["image"] for row in rows if row["labels"] != "No Finding"}
    return [data_folder / "nih" / "images" / name for name in sorted(by_patient.values())[:FILMS]]


def test_hits_have_the_order_and_probabilities_of_predict(
    films: list[Path], engine: Engine, tmp_path: Path
) -> None:
    """Rows of a batch are what `predict` says (float32, from the pixels); hits come from float16 alone."""
    (tmp_path / "queries.txt").write_text("\n".join(QUERIES))
    (tmp_path / "films.csv").write_text("path\n" + "\n".join(map(str, films)))
    flags = ["--queries", str(tmp_path / "queries.txt"), "--out", str(tmp_path / "out")]
    assert main(["batch", str(tmp_path / "films.csv"), *flags]) == 0
    rows = rows_of(tmp_path / "out")
    first = load_radiograph(films[0])
    asked = engine.query(engine.encode(first), QUERIES)
    assert {
        row["query"]: row["probability"] for row in rows if row["sha256"] == first.sha256
    } == pytest.approx({answer.query: answer.probability for answer in asked}, abs=1e-5)

    searcher = Searcher(tmp_path / "out", engine)
    spread = 0.0
    for query in QUERIES:
        direct = {row["sha256"]: row["probability"] for row in rows if row["query"] == query}
        hits = searcher.search(query).hits
        assert len(hits) == len(direct) == FILMS
        for hit in hits:
            probability = direct[hit.encoded.radiograph_sha256]
            assert hit.probability == pytest.approx(probability, abs=APART)
            assert abs(logit(hit.probability) - logit(probability)) < ROUNDING
        # In the order of the direct answers, but where two are nearer to each other than rounding can tell.
        order = [logit(direct[hit.encoded.radiograph_sha256]) for hit in hits]
        assert all(later < before + ROUNDING for before, later in pairwise(order))
        spread = max(spread, float(np.ptp(order)))
    searcher.close()
    assert spread > 10 * ROUNDING  # so that an order is one
