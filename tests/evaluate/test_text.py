"""What is understood of reports against their coders: own reports counted by hand, and the real ones where
they are present."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from patchclip import DataError
from patchclip.__main__ import main
from patchclip.evaluate.disagreements import disagreements
from patchclip.evaluate.text import GOLD, Report, keywords, measure, read_all, read_reports
from patchclip.text import Vocabulary
from tests.conftest import ROOT

TABLE = """uid,Problems,findings,impression
1,Cardiomegaly;Pleural Effusion,The heart is enlarged. Small left pleural effusion.,
2,normal,Heart size is normal. No effusion or pneumothorax.,No acute disease.
3,Pulmonary Atelectasis,Lungs are clear.,Possible atelectasis at the left base.
4,"Fractures, Bone/ribs;Nodule",Calcified nodule on the right.,
5,normal,Blunting of the left costophrenic angle.,Pneumothorax on the right.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five own reports; the fourth has a term with a place, which is no term of `Problems`."""
    (tmp_path / "openi_reports.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


def test_figures_counted_by_hand(folder: Path, vocabulary: Vocabulary) -> None:
    """Cardiomegaly, effusion and nodule are hits, the pneumothorax of the fifth is none, and atelectasis is
    only possible."""
    metrics = measure(read_reports(folder / "openi_reports.csv"), vocabulary, replicates=50)
    assert metrics["reports"] == 5
    micro, unsure = metrics["micro"], metrics["uncertain_present"]["micro"]
    assert (micro["precision"]["value"], micro["precision"]["n"]) == (3 / 4, 4)
    assert (micro["recall"]["value"], micro["recall"]["n"]) == (3 / 4, 4)
    assert (unsure["precision"]["value"], unsure["recall"]["value"]) == (4 / 5, 1.0)
    assert metrics["findings"]["Effusion"]["f1"]["value"] == 1.0  # the blunted angle is a sign
    assert metrics["findings"]["Pneumothorax"]["precision"]["value"] == 0.0
    assert metrics["findings"]["Mass"]["f1"] == {"value": None, "ci": [None, None], "n": 0}
    low, high = micro["f1"]["ci"]
    assert 0 <= low <= micro["f1"]["value"] <= high <= 1


def test_the_baseline_knows_words_and_no(vocabulary: Vocabulary) -> None:
    """A negation before a name in the same sentence, and nothing else."""
    report = Report("1", ("No effusion. Pneumothorax is absent, mass.", "No change in edema."), frozenset())
    assert keywords(report, vocabulary) == {"Pneumothorax", "Mass"}


def test_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """metrics.json as the contract has it, and a table."""
    assert main(["evaluate-text", str(folder), "--out", str(folder / "out"), "--rows", "1-2"]) == 0
    metrics = json.loads((folder / "out" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["reports"] == 2 and metrics["micro"]["f1"]["value"] == 1.0
    assert set(metrics["findings"]) == set(GOLD) == set(metrics["baseline"]["findings"])
    listed = (folder / "out" / "disagreements.csv").read_text(encoding="utf-8")
    assert listed.split() == ["uid,finding,read,coded"]
    assert "| All | 2 | 1.000 | 1.000 | 1.000 (1.000 to 1.000) |" in capsys.readouterr().out


@pytest.mark.parametrize("rows", ["9-12", "6-6"])
def test_rows_that_are_not_there(folder: Path, rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence."""
    assert main(["evaluate-text", str(folder), "--out", str(folder / "out"), "--rows", rows]) == 1
    assert "no report in the rows" in capsys.readouterr().err


def test_a_table_without_the_coders(tmp_path: Path) -> None:
    """The missing column is named."""
    (tmp_path / "openi_reports.csv").write_text("uid,findings,impression\n1,a,b\n", encoding="utf-8")
    with pytest.raises(DataError, match="Problems"):
        read_reports(tmp_path / "openi_reports.csv")


def test_real_reports(data_folder: Path, vocabulary: Vocabulary) -> None:
    """The first thousand, which the language data was made on: well above the baseline, no common finding
    below .75."""
    reports = read_reports(data_folder / "text" / "openi_reports.csv")[:1000]
    metrics = measure(reports, vocabulary, replicates=20)
    micro = metrics["micro"]
    assert micro["f1"]["value"] >= 0.88 and micro["precision"]["value"] >= 0.88
    assert micro["f1"]["value"] > metrics["baseline"]["micro"]["f1"]["value"] + 0.1
    assert all(
        values["f1"]["value"] >= 0.75 for values in metrics["findings"].values() if values["f1"]["n"] >= 15
    )


def test_disagreements_are_listed_without_a_word_of_a_report(folder: Path, vocabulary: Vocabulary) -> None:
    """Atelectasis is only possible, the pneumothorax of the fifth report is not coded."""
    found = disagreements(read_all(read_reports(folder / "openi_reports.csv"), vocabulary), list(GOLD))
    assert [(item.uid, item.finding, item.read, item.coded) for item in found] == [
        ("3", "Atelectasis", "uncertain", "yes"),
        ("5", "Pneumothorax", "present", "no"),
    ]


def test_sorted_disagreements() -> None:
    """A hundred, each once, and the counts that the documents give; no column for a report's words."""
    with (Path(__file__).parent / "text_disagreements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len({(row["uid"], row["finding"]) for row in rows}) == len(rows) == 100
    assert set(rows[0]) == {"uid", "finding", "read", "coded", "cause"}
    readme = (ROOT / "patchclip" / "evaluate" / "README.md").read_text(encoding="utf-8")
    for cause, count in Counter(row["cause"] for row in rows).items():
        assert f"| `{cause}` | {count} |" in readme, cause


def test_sorted_disagreements_are_those_of_the_reports(data_folder: Path, vocabulary: Vocabulary) -> None:
    """Each is one still, but for those that were errors and may be mended."""
    reports = read_reports(data_folder / "text" / "openi_reports.csv")
    with (Path(__file__).parent / "text_disagreements.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wanted = {row["uid"] for row in rows}
    readings = read_all([report for report in reports if report.uid in wanted], vocabulary)
    found = {(item.uid, item.finding) for item in disagreements(readings, list(GOLD))}
    gone = [row for row in rows if (row["uid"], row["finding"]) not in found]
    assert len(gone) <= 12 and {row["cause"] for row in gone} <= {"ours", "damaged"}, gone
