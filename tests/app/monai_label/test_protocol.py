"""What 3D Slicer and OHIF are answered: label maps in the film's own geometry, findings, refusals."""

from __future__ import annotations

import gzip
import io
from typing import Any

import cv2
import nibabel
import nrrd
import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from patchclip import load_radiograph
from patchclip.image.synthetic import synthetic_radiograph
from tests.app.fake_engine import MODEL
from tests.app.monai_label.conftest import GUEST, Running
from tests.app.monai_label.label_client import LabelClient, RefusedError
from tests.image.dicoms import CHEST, content, dicom

FILM = np.round(synthetic_radiograph(size=320, seed=5).pixels[:, :240] * 255).astype(np.uint8)
EFFUSION = {"queries": "left effusion"}


def png(pixels: NDArray[Any] = FILM) -> bytes:
    """As a picture."""
    done, encoded = cv2.imencode(".png", pixels)
    assert done
    return encoded.tobytes()


def nifti(array: NDArray[Any], affine: NDArray[np.float64]) -> bytes:
    """As 3D Slicer saves a volume."""
    return gzip.compress(nibabel.Nifti1Image(array, affine).to_bytes())


def map_of(file: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Array [I, J, K] and affine in RAS of a NIfTI file."""
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(file) if file[:2] == b"\x1f\x8b" else file)
    return np.asarray(image.dataobj), np.asarray(image.affine)


def lit_by_hand(height: int, width: int) -> NDArray[np.bool_]:
    """Where the engine's map is at or above .5: .9 in row 1, column 2 of 4 x 4 patches, .1 elsewhere.

    Bilinear between centres of patches: 1 + .8 (1 - |dx|)(1 - |dy|) of a patch's length; inside of its box.
    """
    y = np.abs((np.arange(height) + 0.5) / height * 4 - 1.5)[:, None]
    x = np.abs((np.arange(width) + 0.5) / width * 4 - 2.5)[None]
    value = 0.1 + 0.8 * np.clip(1 - y, 0, None) * np.clip(1 - x, 0, None)
    return np.asarray((value >= 0.5) & (y <= 0.5) & (x <= 0.5))


def test_the_server_says_what_a_client_needs_at_its_start(client: LabelClient, running: Running) -> None:
    info = client.info()
    assert info["name"] == "Patch-CLIP" and "not for clinical use" in info["description"]
    assert info["version"] and info["model"] == MODEL
    (model,) = info["models"].values()
    assert list(info["models"]) == ["patch_clip"]
    assert (model["type"], model["dimension"], model["config"]) == ("segmentation", 2, {"queries": ""})
    assert "not for clinical use" in model["description"]
    assert info["labels"][0] == "background" and "pleural effusion" in info["labels"]
    assert model["labels"] == {name: number for number, name in enumerate(info["labels"])}
    assert len(info["labels"]) == 1 + len(running.engine.labels)
    assert info["trainers"] == info["strategies"] == info["scoring"] == {}
    assert info["datastore"]["completed"] == 0 and "total" in info["datastore"]


def test_a_session_as_slicer_holds_it(client: LabelClient) -> None:
    film = nifti(FILM.T[:, :, None], np.diag([-0.15, -0.15, 1.0, 1.0]))
    begun = client.begin_session(film)
    assert begun["session_info"]["size"] == [320, 240] and begun["session_info"]["expiry"] == 3600
    assert any("grey values were read without a window" in sentence for sentence in begun["warnings"])
    session = begun["session_id"]
    assert client.json("GET", f"/session/{session}")["name"] == session
    answered = client.infer("CHEST 1", EFFUSION, session=session)
    assert answered.name == "patch-clip-findings.nii.gz"
    assert answered.kinds == ("application/json", "application/octet-stream")
    labels, affine = map_of(answered.file)
    number = client.info()["models"]["patch_clip"]["labels"]["pleural effusion"]
    assert labels.shape == (240, 320, 1) and labels.dtype == np.uint8
    np.testing.assert_array_equal(labels[:, :, 0].T, np.where(lit_by_hand(320, 240), number, 0))
    np.testing.assert_allclose(affine, np.diag([-0.15, -0.15, 1.0, 1.0]), atol=1e-6)
    params = answered.params
    assert params["label_names"] == {"pleural effusion": number}
    assert params["notice"] == "Research use only, not for clinical use"
    assert params["model"] == MODEL
    assert params["centroids"] == {"pleural effusion": [number, 150, 120, 0]}
    (finding,) = params["findings"]
    assert (finding["query"], finding["laterality"]) == ("left effusion", "left")
    assert finding["probability"] == pytest.approx(0.83) and finding["threshold"] == 0.5
    assert finding["pixels"] == int(lit_by_hand(320, 240).sum()) and finding["number"] == number
    (region,) = finding["regions"]
    assert [region[side] for side in "xywh"] == [120, 80, 60, 80]
    assert region["point"] == pytest.approx([150, 120], abs=1)
    assert [word["text"] for word in params["echoes"][0]["words"]] == ["left", "effusion"]
    client.json("DELETE", f"/session/{session}")
    with pytest.raises(RefusedError, match="send it again") as refused:
        client.infer("CHEST 1", session=session)
    assert refused.value.status == 404


def test_a_coronal_film_is_read_upright_and_answered_as_it_is_stored(client: LabelClient) -> None:
    """Columns from the patient's left to the right, rows from feet to head, as many volumes have them."""
    stored = FILM[::-1, ::-1].T[:, None, :]
    affine = np.array([[0.2, 0, 0, 5], [0, 3, 0, 6], [0, 0, 0.2, 7], [0, 0, 0, 1.0]])
    answered = client.infer(file=nifti(stored, affine), params=EFFUSION)
    labels, own = map_of(answered.file)
    assert labels.shape == stored.shape
    np.testing.assert_array_equal(labels[:, 0, :].T[::-1, ::-1] > 0, lit_by_hand(320, 240))
    np.testing.assert_allclose(own, affine, atol=1e-6)
    (region,) = answered.params["findings"][0]["regions"]
    box = (
        slice(int(region["x"]), int(region["x"] + region["w"])),
        slice(int(region["y"]), int(region["y"] + region["h"])),
    )
    assert (labels[box[0], 0, box[1]] > 0).sum() == (labels > 0).sum()
    assert labels[int(region["point"][0]), 0, int(region["point"][1])] > 0


def test_nrrd_as_ohif_asks_for_it(client: LabelClient) -> None:
    wanted = {"result_extension": ".nrrd", "result_dtype": "uint16", "result_compress": False, **EFFUSION}
    answered = client.infer(file=png(), params=wanted, output="image")
    assert answered.name == "patch-clip-findings.nrrd" and answered.params == {}
    header = nrrd.read_header(io.BytesIO(answered.file))
    assert (header["encoding"], header["type"]) == ("raw", "uint16")
    assert "not for clinical use" in header["content"]
    data = answered.file[answered.file.index(b"\n\n") + 2 :]
    values = np.frombuffer(data, "<u2").reshape([int(n) for n in header["sizes"]], order="F")
    np.testing.assert_array_equal(values[:, :, 0].T > 0, lit_by_hand(320, 240))


def test_dicom_has_the_geometry_of_its_header(client: LabelClient) -> None:
    stored = np.round(CHEST[:, :160] * 4000).astype(np.uint16)
    film = dicom(
        stored,
        PixelSpacing=[0.2, 0.4],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
        ImagePositionPatient=[-10, 20, 300],
        PatientName="QUIXOTE^ALONSO",
    )
    answered = client.infer(file=content(film), params={**EFFUSION, "result_extension": ".nrrd"})
    assert answered.params["size"] == [320, 160]
    header = nrrd.read_header(io.BytesIO(answered.file))
    labels = nrrd.read_data(header, io.BytesIO(answered.file[answered.file.index(b"\n\n") + 2 :]))
    assert labels.shape == (160, 320, 1)
    # The film was made square, twice as wide; the label map is on the stored pixels.
    np.testing.assert_array_equal(labels[:, :, 0].T > 0, lit_by_hand(320, 160))
    assert header["space"] == "left-posterior-superior"
    np.testing.assert_allclose(header["space directions"][:2], [[0.4, 0, 0], [0, 0, -0.2]], atol=1e-6)
    np.testing.assert_allclose(header["space origin"], [-10, 20, 300])
    (region,) = answered.params["findings"][0]["regions"]
    assert [region[side] for side in "xywh"] == [80, 80, 40, 80]
    assert b"QUIXOTE" not in answered.file and "QUIXOTE" not in str(answered.params)


def test_a_film_of_slicers_is_the_same_picture(client: LabelClient, running: Running) -> None:
    seen: list[str] = []
    encode = running.engine.encode

    def watched(radiograph: Any) -> Any:
        seen.append(radiograph.sha256)
        return encode(radiograph)

    running.engine.encode = watched  # type: ignore[method-assign]
    try:
        for film in (png(), nifti(FILM.T[:, :, None], np.diag([-1.0, -1.0, 1.0, 1.0]))):
            client.infer(file=film, params=EFFUSION, output="json")
    finally:
        del running.engine.encode
    assert seen == 2 * [load_radiograph(png()).sha256]


def test_without_queries_every_finding_is_asked(client: LabelClient, running: Running) -> None:
    answered = client.infer(client.upload_image(png(), "chest 1"), output="json")
    assert [item["label"] for item in answered.params["findings"]] == list(running.engine.labels)
    # All are lit in the same place: the map can name one, and says so of the others.
    assert len(answered.params["label_names"]) == 1
    given = [item for item in answered.params["warnings"] if "are given to findings that are" in item]
    assert len(given) == len(running.engine.labels) - 1
    assert answered.params["echoes"] == []
    assert client.json("GET", "/datastore/?output=all")["objects"].keys() >= {"chest 1"}
    client.json("DELETE", "/datastore/?id=chest+1&type=image")
    with pytest.raises(RefusedError):
        client.infer("chest 1")


@pytest.mark.parametrize(
    ("queries", "said"),
    [
        ("effusion; unicorn", "far from what this model has learnt and has no probability"),
        (["effusion", "unicorn"], "far from what this model has learnt and has no probability"),
        ("Кардиомегалия", "English"),
        (7, "does not take the parameter queries"),
    ],
)
def test_a_refused_query_is_said_and_nothing_is_answered(
    client: LabelClient, queries: Any, said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        client.infer(file=png(), params={"queries": queries})
    assert refused.value.status == 400 and said in refused.value.text


@pytest.mark.parametrize(
    ("film", "said"),
    [
        (b"no film", "not a DICOM"),
        (nifti(np.zeros((8, 8, 8), np.uint8), np.eye(4)), "one film is asked at a time"),
        (nifti(FILM.T, np.eye(4))[:200], "damaged or cut short"),
        (b"NRRD0004\ntype: uint8\ndata file: /etc/hostname\nencoding: raw\n\n", "another file"),
    ],
    ids=["text", "volume", "cut", "elsewhere"],  # not the bytes: gzip writes the second into them
)
def test_what_is_no_film_is_said(client: LabelClient, film: bytes, said: str) -> None:
    with pytest.raises(RefusedError) as refused:
        client.create_session(film)
    assert refused.value.status == 400 and said in refused.value.text


def test_a_film_that_is_too_large_is_refused(client: LabelClient) -> None:
    with pytest.raises(RefusedError, match="larger than 1 MB") as refused:
        client.create_session(bytes(1_400_000))
    assert refused.value.status == 413


def test_what_only_serves_to_label_and_train_is_answered_with_a_sentence(client: LabelClient) -> None:
    for method, path, status in (
        ("GET", "/train/?check_if_running=true", 404),
        ("POST", "/train/patch_clip", 403),
        ("POST", "/activelearning/random", 404),
        ("PUT", "/datastore/label?image=a", 403),
        ("POST", "/infer/other?image=a", 404),
        ("POST", "/infer/patch_clip?image=a&output=dicom_seg", 400),
        ("POST", "/infer/patch_clip", 400),
    ):
        with pytest.raises(RefusedError) as refused:
            client.json(method, path)
        assert refused.value.status == status and refused.value.text.endswith('."}')


def test_nobody_asks_without_signing_in_and_nobody_reaches_anothers_films(running: Running) -> None:
    stranger = LabelClient(running.url)
    for method, path in (
        ("GET", "/info/"),
        ("GET", "/datastore/"),
        ("PUT", "/session/"),
        ("POST", "/infer/patch_clip?image=a"),
        ("GET", "/auth/token/valid"),
    ):
        with pytest.raises(RefusedError) as refused:
            stranger.json(method, path)
        assert refused.value.status == 401
    with pytest.raises(RefusedError, match="Name or password is wrong") as wrong:
        stranger.json("POST", "/auth/token", data={"username": "ada", "password": "something else"})
    assert wrong.value.status == 403
    ada, ben = running.client("ada"), running.client("ben")
    assert ben.json("GET", "/auth/token/valid") == {"username": "ben", "roles": ["reader"]}
    session = ada.create_session(png())
    with pytest.raises(RefusedError) as hidden:
        ben.infer(session=session)
    assert hidden.value.status == 404
    running.sign_ins.end(ben.headers["Authorization"].removeprefix("bearer "))
    with pytest.raises(RefusedError, match="sign-in has ended"):
        ben.info()


def test_a_page_of_another_origin_asks_only_where_it_was_let_in(running: Running) -> None:
    token = running.client().headers
    told = requests.get(f"{running.url}/info/", headers={**token, "Origin": GUEST}, timeout=9)
    assert told.headers["access-control-allow-origin"] == GUEST and told.json()["name"] == "Patch-CLIP"
    asks = {"Origin": GUEST, "Access-Control-Request-Method": "POST"}
    first = requests.options(f"{running.url}/infer/patch_clip", headers=asks, timeout=9)
    assert first.status_code == 204 and "POST" in first.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in first.headers
    for origin in ("http://evil.example", f"{GUEST}.evil.example", "null"):
        refused = requests.get(f"{running.url}/info/", headers={**token, "Origin": origin}, timeout=9)
        assert refused.status_code == 403 and "access-control-allow-origin" not in refused.headers
    elsewhere = requests.post(f"{running.url}/api/start", headers={"Origin": GUEST}, timeout=9)
    assert elsewhere.status_code == 403
