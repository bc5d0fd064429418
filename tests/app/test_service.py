"""What the page may ask of the server: answers, errors as sentences, and no trace of an upload."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette

from app.drawing import question_for
from app.service import Service
from app.store import FeedbackRepository
from patchclip import Radiograph
from patchclip.localize import find_regions
from patchclip.resources import EXAMPLES
from patchclip.types import PatchMap
from tests.app.fake_engine import MODEL, PEAK, FakeEngine
from tests.app.page_client import PageClient, reading


def test_start_tells_the_model_and_what_may_be_asked(window: PageClient) -> None:
    start = window.call("start")
    assert start["model"] == MODEL
    assert "pleural effusion" in start["suggestions"]
    assert all(len(table) == 256 for table in start["colours"].values())


def test_an_upload_is_opened_and_its_file_is_gone(window: PageClient, uploads: Path, png: bytes) -> None:
    opened = window.send("open_upload", png)
    assert opened["size"] == [400, 320]
    assert opened["judged"] is None
    assert opened["synthetic"] is False
    assert opened["decode_ms"] > 0
    assert opened["encode_ms"] == 1.5
    assert list(uploads.rglob("*")) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"just some text", "PNG"), (b"\0" * 128 + b"DICM" + b"\x02\0\0\0broken", "DICOM"), (b"", "empty")],
)
def test_what_is_no_radiograph_is_said_and_its_file_is_gone(
    window: PageClient, uploads: Path, content: bytes, words: str
) -> None:
    assert words in window.send("open_upload", content)["error"]
    assert window.status == 400
    assert list(uploads.rglob("*")) == []


@pytest.mark.parametrize("name", ["../vocabulary.json", "/etc/passwd", "none.png", ""])
def test_only_bundled_examples_are_opened_as_examples(window: PageClient, name: str) -> None:
    assert "no such example" in window.call("open_example", name=name)["error"]


def test_every_bundled_example_opens_answers_its_question_and_says_where_it_is_from(
    window: PageClient,
) -> None:
    offered = window.call("start")["examples"]
    assert len(offered) >= 2
    for item in offered:
        opened = window.call("open_example", name=item["file"])
        assert opened["synthetic"] is item["file"].startswith("synthetic_")
        assert opened["origin"] == item["origin"]
        assert ("drawn by a program" if opened["synthetic"] else "NIH Clinical Center") in item["origin"]
        assert min(opened["size"]) >= 256
        if item["question"] is None:
            assert opened["synthetic"]
            continue
        asked = window.call("ask", study=opened["study"], text=item["question"])
        assert asked["answers"][0]["in_vocabulary"]
        if not opened["synthetic"]:  # a real finding lights up at the shipped threshold
            assert asked["answers"][0]["regions"]
            assert asked["answers"][0]["probability"] > 0.5
    assert {item["file"] for item in offered} <= {path.name for path in EXAMPLES.iterdir()}


def test_several_queries_are_answered_in_order(window: PageClient, study: str) -> None:
    reply = window.call(
        "ask", study=study, text="pleural effusion; no pneumothorax ;; fractured femur; left mass"
    )
    effusion, pneumothorax, femur, mass = reply["answers"]
    assert reply["query_ms"] > 0
    assert (effusion["probability"], effusion["understood"]) == (0.83, "pleural effusion")
    assert effusion["map"]["max"] == pytest.approx(PEAK)
    assert effusion["map"]["values"][1][2] == pytest.approx(PEAK)
    assert effusion["map"]["extent"] == [0, 0, 320, 400]
    assert effusion["threshold"] == 0.5
    assert pneumothorax["probability"] == pytest.approx(0.17)
    assert pneumothorax["understood"].startswith("pneumothorax, negated")
    assert (femur["probability"], femur["in_vocabulary"], femur["map"]["max"]) == (None, False, 0)
    assert "far from what this model has learnt" in femur["warnings"][0]
    assert "left side" in mass["understood"]


REPORT = """FINDINGS:
The heart is normal in size. There is a small left efusion, unchanged.
Possible pneumonia in the right lower lobe. Old rib fracture. No pneumothorax.
IMPRESSION: Left effusion; banana."""


def test_a_report_is_answered_finding_by_finding(window: PageClient, study: str) -> None:
    answers = window.call("ask", study=study, text=REPORT)["answers"]
    assert [(item["query"], item["assertion"], item["place"], item["span"]) for item in answers] == [
        ("no cardiomegaly", "absent", None, "heart is normal in size"),
        ("change in pleural effusion, left", "comparison", "left", "left efusion"),
        (
            "possible pneumonia, right lower lobe",
            "uncertain",
            "right lower lobe",
            "pneumonia in the right lower lobe",
        ),
        ("rib fracture", "present", None, "rib fracture"),
        ("no pneumothorax", "absent", None, "pneumothorax"),
        ("pleural effusion, left", "present", "left", "Left effusion"),
    ]
    assert all(item["asked"] == REPORT for item in answers)
    said = [" ".join(item["warnings"]) for item in answers]
    assert "A change" in said[1] and "How sure somebody is" in said[2]


def test_the_echo_holds_every_sign_of_a_text_and_what_became_of_it(window: PageClient, study: str) -> None:
    echo = window.call("ask", study=study, text=REPORT)["echoes"]
    assert [item["asked"] for item in echo] == [REPORT]
    words = echo[0]["words"]
    assert "".join(word["before"] + word["text"] for word in words) == REPORT
    became = {word["text"]: (word["role"], word["became"], word["assertion"]) for word in words}
    assert became["efusion"] == ("corrected", "effusion", "comparison")
    assert became["unchanged"] == ("used", "unchanged", "comparison")
    assert became["Possible"] == ("used", "possible", "uncertain")
    assert became["banana"][0] == "struck out"
    assert echo[0]["warnings"] == []  # the correction is shown where it was made
    assert became["There"][0] == "passed over"


def test_a_part_in_another_language_takes_no_other_with_it(window: PageClient, study: str) -> None:
    reply = window.call("ask", study=study, text="mass; нет pneumothorax\nno nodule")
    assert [item["query"] for item in reply["answers"]] == ["mass", "no nodule"]
    assert [item["text"] for item in reply["refused"]] == ["нет pneumothorax"]
    assert "in a script that is not read" in reply["refused"][0]["error"]
    assert [item["asked"] for item in reply["echoes"]] == ["mass", "no nodule"]


def test_more_than_twenty_are_cut_with_a_word(window: PageClient, study: str) -> None:
    labels = [item.name for item in FakeEngine().vocabulary.findings][:11]
    text = "; ".join(f"{side} {name}" for name in labels for side in ("left", "right"))
    reply = window.call("ask", study=study, text=text)
    assert len(reply["answers"]) == 20
    assert "asks 22 things and the first 20 are answered" in reply["echoes"][0]["warnings"][-1]
    assert reply["answers"][0]["warnings"] == []
    reply = window.call("ask", study=study, text=f"{text}; нет")
    assert len(reply["answers"]) == 20
    assert "asks 22 things and the first 20 are answered" in reply["more"]


QUESTIONS = [
    f"{before}{name}{place}"
    for before in ("", "no ", "possible ", "previous ", "change in ")
    for name in sorted(item.name for item in FakeEngine().vocabulary.findings)
    for place in ("", ", left", ", right lower lobe", ", bilateral apex", ", left base and right upper zone")
]


def test_every_answer_is_called_by_a_question_that_asks_for_it_alone() -> None:
    """Asked by its name, it is the same answer."""
    engine = FakeEngine()
    encoded = engine.encode(Radiograph.from_array(np.eye(64, dtype=np.float32)))
    for text in QUESTIONS:
        (first,) = engine.query(encoded, [text])
        again = engine.query(encoded, [question_for(first)])
        assert len(again) == 1
        same = [(item.label, item.assertion, item.place, item.negated) for item in (first, again[0])]
        assert same[0] == same[1], (text, question_for(first))


def test_only_what_is_out_of_scope_is_explored_and_nothing_of_it_is_kept(
    window: PageClient, repository: FeedbackRepository, study: str
) -> None:
    window.call("ask", study=study, text="fractured femur; mass")
    reply = window.call("explore", study=study, query="fractured femur")
    assert reply["phrase"] == "fractured femur"
    assert (reply["low"], reply["high"]) == pytest.approx((-0.2, 0.4))
    assert reply["values"][3] == pytest.approx([0.4] * 4)
    assert not {"probability", "map", "regions", "finding"} & set(reply)
    for query in ("mass", "lung mass", "cat"):
        assert "Only a query" in window.call("explore", study=study, query=query)["error"]
    assert "no prediction to judge" in window.call("save", **reading(study, query="fractured femur"))["error"]
    assert repository.rows() == []
    assert "femur" not in window.call("export", kind="csv")["text"]
    assert "femur" not in window.call("export", kind="json")["text"]
    answer = window.call("ask", study=study, text="fractured femur")["answers"][0]
    assert (answer["probability"], answer["map"]["max"], answer["regions"]) == (None, 0, [])


def test_of_a_report_its_part_alone_is_stored(
    window: PageClient, repository: FeedbackRepository, study: str
) -> None:
    window.call("ask", study=study, text=f"Erika Mustermann. {REPORT}")
    assert "saved" in window.call("save", **reading(study, query="possible pneumonia, right lower lobe"))
    assert repository.rows()[0]["query"] == "possible pneumonia, right lower lobe"
    assert "Mustermann" not in repository.export_json()


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "empty"), ("  ; ", "empty"), ("x" * 6000, "6000")],
)
def test_queries_that_cannot_be_answered_say_why(
    window: PageClient, study: str, text: str, words: str
) -> None:
    assert words in window.call("ask", study=study, text=text)["error"]


def test_nothing_open_and_closed_studies_are_said(window: PageClient, png: bytes, study: str) -> None:
    assert "No radiograph is open" in window.call("ask", text="mass")["error"]
    assert "No radiograph is open" in window.call("save", **reading(""))["error"]
    window.call("close", study=study)
    assert "no longer in memory" in window.call("ask", study=study, text="mass")["error"]
    assert window.status == 410


def test_the_study_that_was_unused_longest_makes_room_and_is_made_anew_with_the_same_answers(
    window: PageClient, service: Service, png: bytes, study: str
) -> None:
    before = window.call("ask", study=study, text="mass; no nodule")["answers"]
    service.sessions._memory = 1
    window.call("open_example", name=window.call("start")["examples"][0]["file"])
    assert "no longer in memory" in window.call("ask", study=study, text="mass")["error"]
    assert window.status == 410
    again = window.send("open_upload", png)
    assert again["study"] != study
    assert window.call("ask", study=again["study"], text="mass; no nodule")["answers"] == before


def test_no_window_reaches_a_study_of_another_browser(window: PageClient, api: Starlette, study: str) -> None:
    stranger = PageClient(api)
    for name, request in (("look", {}), ("ask", {"text": "mass"}), ("close", {})):
        reply = stranger.call(name, study=study, **request)
        assert name == "close" or "no longer in memory" in reply["error"], name
    made_up = PageClient(api, browser=window.browser[:-1])
    assert made_up.browser != window.browser
    assert "no longer in memory" in made_up.call("look", study=study)["error"]
    assert "answers" in window.call("ask", study=study, text="mass")


def test_another_window_of_the_browser_sees_a_study_whose_id_it_knows(
    window: PageClient, api: Starlette, png: bytes
) -> None:
    opened = window.send("open_upload", png)
    window.call("ask", study=opened["study"], text="mass; no nodule")
    other = PageClient(api, browser=window.browser)
    assert other.token != window.token
    seen = other.call("look", study=opened["study"])
    assert seen == {**opened, "questions": ["lung mass", "no lung nodule"]}
    assert seen["thumbnail"].startswith("data:image/")
    window.call("close", study=opened["study"])  # the other window has it still
    assert len(other.call("ask", study=opened["study"], text="mass")["answers"]) == 1
    other.call("close", study=opened["study"])
    assert "no longer in memory" in other.call("look", study=opened["study"])["error"]


def test_grad_cam_is_of_an_answered_query(window: PageClient, study: str) -> None:
    assert "ask it first" in window.call("compare", study=study, query="mass")["error"]
    window.call("ask", study=study, text="mass")
    reply = window.call("compare", study=study, query="mass")
    assert reply["map"]["values"][0] == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=1e-3)
    assert reply["saliency_ms"] > 0


def test_the_map_is_sent_as_computed_with_the_regions_of_the_library(window: PageClient, study: str) -> None:
    sent = window.call("ask", study=study, text="mass")["answers"][0]
    patch_map = PatchMap(np.array(sent["map"]["values"], np.float32), tuple(sent["map"]["extent"]))
    assert sent["map"]["values"][1][2] == float(np.float32(PEAK))
    expected = find_regions(patch_map, sent["threshold"], (400, 320), 0.0)
    assert len(expected) == 1
    assert sent["regions"] == [{**asdict(region), "peak": list(region.peak)} for region in expected]
