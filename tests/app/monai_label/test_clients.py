"""What the protocol's own clients make of the replies: 3D Slicer's module and OHIF's extension, by their own
ways of writing requests and reading answers."""

from __future__ import annotations

import http.client
import io
import json
import re
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import quote_plus, urlsplit

import nrrd
import numpy as np
import pytest

from tests.app.monai_label.conftest import Running
from tests.app.monai_label.test_protocol import EFFUSION, FILM, lit_by_hand, map_of, nifti

BOUNDARY = "----------lImIt_of_THE_fIle_eW_$"
"""That of Slicer's module; a dollar sign is none of RFC 2046's characters, and is sent nevertheless."""


def slicer_form(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> bytes:
    """A form as Slicer's module writes it: fields, then files, each line ended by CR and LF."""
    lines: list[bytes] = []
    for key, value in fields.items():
        lines += [f"--{BOUNDARY}".encode(), f'Content-Disposition: form-data; name="{key}"'.encode(), b""]
        lines.append(value.encode())
    for key, (name, content) in files.items():
        head = f'Content-Disposition: form-data; name="{key}"; filename="{name}"'
        lines += [f"--{BOUNDARY}".encode(), head.encode(), b"Content-Type: application/octet-stream", b""]
        lines.append(content)
    return b"\r\n".join([*lines, f"--{BOUNDARY}--".encode(), b"", b""])


@contextmanager
def sent(
    running: Running, method: str, selector: str, body: bytes, kind: str
) -> Iterator[http.client.HTTPResponse]:
    """A request as Slicer's module sends it, whose answer is not read yet."""
    address = urlsplit(running.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    headers = {**running.client().headers, "content-type": kind, "content-length": str(len(body))}
    with closing(connection):
        connection.request(method, selector, body, headers)
        yield connection.getresponse()


def slicer_infer(running: Running, selector: str, params: dict[str, Any], film: bytes | None) -> Any:
    """An inference, read by the standard library's parser of forms, as the module reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cgi = pytest.importorskip("cgi", reason="Python has no cgi since 3.13; Slicer brings an older one")
    files = {} if film is None else {"file": ("film.nii.gz", film)}
    body = slicer_form({"params": json.dumps({**params, "client_id": "user-xyz"})}, files)
    with sent(running, "POST", selector, body, f"multipart/form-data; boundary={BOUNDARY}") as reply:
        assert reply.status == 200, reply.read()
        return cgi.FieldStorage(
            fp=reply, environ={"REQUEST_METHOD": "POST"}, headers=reply.msg, keep_blank_values=True
        )


def test_slicer_gets_a_file_by_its_name_and_the_parameters_as_text(running: Running) -> None:
    film = nifti(FILM.T[:, :, None], np.diag([-0.15, -0.15, 1.0, 1.0]))
    selector = f"/infer/patch_clip?image={quote_plus('CHEST 1/frontal')}"
    parts = {part.name: part for part in slicer_infer(running, selector, EFFUSION, film).list}
    assert parts["params"].filename is None and parts["image"].filename == "patch-clip-findings.nii.gz"
    params = json.loads(parts["params"].value)
    labels, _ = map_of(parts["image"].value)
    np.testing.assert_array_equal(labels[:, :, 0].T > 0, lit_by_hand(320, 240))
    number = params["label_names"]["pleural effusion"]
    assert set(np.unique(labels)) == {0, number}


def test_ohif_finds_both_parts_in_the_text_of_a_reply(running: Running) -> None:
    """It decodes the whole body as UTF-8, splits it at the boundary, and turns characters back into bytes."""
    film = nifti(FILM.T[:, :, None], np.diag([-0.15, -0.15, 1.0, 1.0]))
    session = running.client().create_session(film)
    wanted = {
        **EFFUSION,
        "result_extension": ".nrrd",
        "result_dtype": "uint16",
        "result_compress": False,
        "restore_label_idx": False,
    }
    body = slicer_form({"params": json.dumps(wanted)}, {})
    selector = f"/infer/patch_clip?image={session}&output=all"
    with sent(running, "POST", selector, body, f"multipart/form-data; boundary={BOUNDARY}") as reply:
        kind, content = reply.headers["content-type"], reply.read()
    boundary = re.search(r"boundary=([^;]+)", kind)
    assert boundary is not None
    parts = [part for part in content.decode("utf-8", "replace").split(f"--{boundary[1]}") if part.strip()]
    told = next(part for part in parts if "Content-Type: application/json" in part)
    file = next(part for part in parts if "Content-Type: application/octet-stream" in part)
    params = json.loads(told[told.index("{") : told.rindex("}") + 1])
    text = file.split("\r\n\r\n")[1]
    binary = bytes(ord(letter) & 0xFF for letter in text[: text.rindex("\r\n")])
    header = nrrd.read_header(io.BytesIO(binary))
    assert (header["type"], header["encoding"]) == ("uint16", "raw")
    data = np.frombuffer(binary[binary.index(b"\n\n") + 2 :], "<u2")
    labels = data.reshape([int(count) for count in header["sizes"]], order="F")
    np.testing.assert_array_equal(labels[:, :, 0].T > 0, lit_by_hand(320, 240))
    ((number, *place),) = params["centroids"].values()
    assert labels[tuple(place)] == number


@pytest.mark.parametrize("path", ["/info", "/info/", "/datastore", "/datastore/", "/auth", "/auth/"])
def test_a_slash_at_the_end_makes_no_difference(running: Running, path: str) -> None:
    assert running.client().json("GET", path)


def test_logs_are_not_given_out(running: Running) -> None:
    for path in ("/logs", "/logs/", "/logs/?lines=300&html=false"):
        with sent(running, "GET", path, b"", "text/plain") as reply:
            assert reply.status == 404 and b"The log of this server" in reply.read()
