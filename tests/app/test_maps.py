"""Maps to compare: every method, the box-free twin's, truth boxes, and all of them as a file of numbers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.models.in_use import InUse
from app.service import Service
from app.store import FeedbackRepository
from app.truth import TruthBox, read_truth
from app.twin import Twin
from app.uploads import Uploads
from patchclip import Box, CheckpointError, DataError, Engine, load_radiograph
from patchclip.image.isolation import shared_pool
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.resources import EXAMPLES
from patchclip.saliency import SALIENCY
from tests.app.page_client import PageClient, make_api
from tests.tiny import tiny_checkpoint

EXAMPLE = EXAMPLES / "nih_effusion.jpg"
SHA256 = load_radiograph(EXAMPLE).sha256
TABLE = f"""sha256,finding,x,y,w,h
{SHA256},pleural effusion,100,200,30.5,40
{SHA256},Nodule,1,2,3,4
{"0" * 64},fractured femur,1,2,3,4
"""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint, a twin that sees images of the same size, and one that sees them larger."""
    folder = tmp_path_factory.mktemp("checkpoints")
    made = {"model": tiny_checkpoint(folder / "model"), "twin": tiny_checkpoint(folder / "twin", seed=1)}
    before = load_checkpoint(made["twin"])
    torch.manual_seed(2)
    larger = PatchCLIP(replace(before.model.config, image_size=96)).eval()
    save_checkpoint(folder / "larger", larger, before.vocabulary, before.calibration, before.gates)
    return {**made, "larger": folder / "larger"}


@pytest.fixture(scope="module")
def engine(folders: dict[str, Path]) -> Engine:
    """The model that answers."""
    return Engine.from_pretrained(folders["model"], device="cpu")


@pytest.fixture
def windows(
    engine: Engine, folders: dict[str, Path], repository: FeedbackRepository, uploads: Path, tmp_path: Path
) -> Iterator[Any]:
    """A window of a server with a twin of that name, or none."""
    services: list[Service] = []
    table = tmp_path / "truth.csv"
    table.write_text(TABLE)

    def window(twin: str = "") -> PageClient:
        shared_pool().warm()
        service = Service(
            InUse(engine),
            repository,
            study_memory_mb=50,
            upload_limit_mb=1,
            twin=Twin(folders[twin], engine) if twin else None,
            truth=read_truth(table, engine.vocabulary),
        )
        services.append(service)
        return PageClient(make_api(service, Uploads(uploads, 1_000_000)))

    yield window
    for service in services:
        service.lanes.close()


def asked(window: PageClient) -> tuple[str, dict[str, Any]]:
    """An open example that was asked for an effusion: its id, and how it was opened."""
    opened = window.call("open_example", name=EXAMPLE.name)
    assert "error" not in window.call("ask", study=opened["study"], text="pleural effusion")
    return str(opened["study"]), opened


def test_every_method_that_the_tower_allows_is_offered_and_answers(windows: Any, engine: Engine) -> None:
    window = windows()
    offered = window.call("start")["maps"]
    keys = [item["key"] for item in offered]
    assert keys == [key for key in SALIENCY if not key.startswith("attention")]
    assert [item["key"] for item in offered if item["slow"]] == ["occlusion"]
    study, _ = asked(window)
    encoded = engine.encode(load_radiograph(EXAMPLE))
    for key in ("grad_cam", "eigen_cam", "raw_cosine", "occlusion"):
        reply = window.call("compare", study=study, query="pleural effusion", method=key)
        assert reply["model"]["sha256"] == engine.sha256 and reply["method"] == key
        expected = engine.saliency(encoded, "pleural effusion", key)
        assert np.array(reply["map"]["values"]) == pytest.approx(expected.values, abs=1e-5)
    refused = window.call("compare", study=study, query="pleural effusion", method="attention_rollout")
    assert "needs a tower with attention" in refused["error"]
    refused = window.call("compare", study=study, query="pleural effusion", method="magic")
    assert 'no saliency method "magic"' in refused["error"]
    refused = window.call("compare", study=study, query="pleural effusion", method="twin_grad_cam")
    assert "start it with --twin" in refused["error"]


@pytest.mark.parametrize("twin", ["twin", "larger"])
def test_the_twin_sees_the_same_image_as_if_it_had_been_asked_itself(
    windows: Any, engine: Engine, folders: dict[str, Path], twin: str
) -> None:
    window = windows(twin)
    offered = {item["key"]: item["title"] for item in window.call("start")["maps"]}
    assert offered["twin_grad_cam"] == "twin's Grad-CAM" and "twin_attention_rollout" not in offered
    study, _ = asked(window)
    reply = window.call("compare", study=study, query="pleural effusion", method="twin_grad_cam")
    witness = Engine.from_pretrained(folders[twin], device="cpu")
    expected = witness.saliency(witness.encode(load_radiograph(EXAMPLE)), "pleural effusion", "grad_cam")
    assert reply["model"] == {
        "name": witness.name,
        "sha256": witness.sha256,
        "execution": witness.computation.to_dict(),
    }
    assert np.array(reply["map"]["values"]) == pytest.approx(expected.values, abs=1e-5)
    assert reply["map"]["extent"] == pytest.approx(expected.extent)


def test_maps_leave_as_numbers(windows: Any, engine: Engine, folders: dict[str, Path]) -> None:
    window = windows("twin")
    study, _ = asked(window)
    request = {"study": study, "query": "pleural effusion", "methods": ["grad_cam", "twin_grad_cam"]}
    packed = window.client.post("/api/maps", json=request, headers={"x-patch-clip-window": window.token})
    assert packed.headers["content-type"] == "application/octet-stream"
    with np.load(io.BytesIO(packed.content), allow_pickle=False) as file:
        arrays = dict(file)
    answer = engine.query(engine.encode(load_radiograph(EXAMPLE)), ["pleural effusion"])[0]
    assert np.array_equal(arrays["patch_map"], answer.map.values)
    assert tuple(arrays["patch_map_extent"]) == answer.map.extent
    assert arrays["grad_cam"].shape == arrays["patch_map"].shape and arrays["grad_cam"].max() > 0.99
    assert not np.array_equal(arrays["grad_cam"], arrays["twin_grad_cam"])
    assert str(arrays["query"]) == "pleural effusion" and float(arrays["probability"]) == answer.probability
    assert str(arrays["model_sha256"]) == engine.sha256 and str(arrays["image_sha256"]) == SHA256
    assert str(arrays["twin_sha256"]) == load_checkpoint(folders["twin"]).sha256
    computed = {"backend": "torch", "precision": "fp32", "mirror": False, "input_size": 64, "device": "cpu"}
    assert json.loads(str(arrays["execution"])) == computed
    assert json.loads(str(arrays["twin_execution"])) == computed
    assert "not for clinical use" in str(arrays["notice"])
    assert "ask it first" in window.call("maps", study=study, query="mass")["error"]


def test_a_case_brings_its_truth(windows: Any) -> None:
    _, opened = asked(windows())
    assert opened["truth"] == [
        {"finding": "pleural effusion", "label": "Effusion", "x": 100, "y": 200, "w": 30.5, "h": 40},
        {"finding": "Nodule", "label": "Nodule", "x": 1, "y": 2, "w": 3, "h": 4},
    ]
    other = windows().call("open_example", name="synthetic_effusion_dicom.dcm")
    assert other["truth"] == []


def test_the_table_of_truth_boxes_is_read(tmp_path: Path, engine: Engine) -> None:
    table = tmp_path / "truth.csv"
    table.write_text(TABLE)
    boxes = read_truth(table, engine.vocabulary)
    assert set(boxes) == {SHA256, "0" * 64}
    assert boxes["0" * 64] == (TruthBox("fractured femur", None, Box(1, 2, 3, 4)),)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("abc,Nodule,1,2,3,4", "row 2: sha256 must be the 64 hexadecimal digits"),
        (f"{SHA256},,1,2,3,4", "row 2: finding is empty"),
        (f"{SHA256},Nodule,1,2,three,4", "must be numbers"),
        (f"{SHA256},Nodule,1,2,0,4", "row 2: w and h must be above 0"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, engine: Engine, row: str, words: str) -> None:
    table = tmp_path / "truth.csv"
    table.write_text(f"sha256,finding,x,y,w,h\n{row}\n")
    with pytest.raises(DataError, match=words):
        read_truth(table, engine.vocabulary)


def test_a_folder_without_a_twin_is_said_at_the_start(tmp_path: Path, engine: Engine) -> None:
    with pytest.raises(CheckpointError, match=r"holds no model\.json"):
        Twin(tmp_path, engine)


def test_a_twin_that_goes_missing_is_a_sentence_and_answers_once_it_is_back(
    windows: Any, folders: dict[str, Path]
) -> None:
    window = windows("twin")
    study, _ = asked(window)
    weights = folders["twin"] / "model.safetensors"
    away = weights.rename(weights.with_name("away"))
    compare = {"study": study, "query": "pleural effusion", "method": "twin_grad_cam"}
    try:
        error = window.call("compare", **compare)["error"]
        assert "holds no model.safetensors" in error
        assert window.status == 400
        assert window.call("ask", study=study, text="mass")["answers"]
    finally:
        away.rename(weights)
    assert "map" in window.call("compare", **compare)
