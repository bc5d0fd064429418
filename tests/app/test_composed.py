"""The three services of compose.yaml together, as processes: what a reader does from the first account on."""

from __future__ import annotations

import json
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.uid import UID

from app.guard.windows import HEADER
from patchclip import load_radiograph
from patchclip.image.synthetic import synthetic_dicom, synthetic_radiograph
from tests.app.composed import LONGEST_S, Composition, composed, filled, orthanc_settings, read_services
from tests.app.page_client import reading, told
from tests.export.sources import INSTANCE, SERIES, STUDY
from tests.image.dicoms import content

PATIENT = {
    "PatientName": "QUIXOTE^ALONSO",
    "PatientID": "MRN-471142",
    "PatientBirthDate": "19470131",
    "AccessionNumber": "ACC-775310",
    "StudyInstanceUID": STUDY,
    "SeriesInstanceUID": SERIES,
    "SOPInstanceUID": INSTANCE,
}
NEVER = ("QUIXOTE", "ALONSO", *(text for name, text in PATIENT.items() if name != "PatientName"))
PASSWORD, COMMENT = "a password of the first account", "blunted on the left, said while composed"


@pytest.fixture(scope="module")
def composition() -> Iterator[Composition]:
    """All three; skipped where PostgreSQL or Orthanc is missing."""
    # Not below pytest's own folders, which the other users may not enter.
    with tempfile.TemporaryDirectory(prefix="patch-clip-composed-") as folder:
        Path(folder).chmod(0o755)
        with composed(Path(folder)) as made:
            yield made


@pytest.fixture(scope="module")
def film(composition: Composition) -> bytes:
    """A drawn chest of a patient, which the archive holds."""
    drawn = synthetic_dicom(synthetic_radiograph("effusion", size=400, seed=5).pixels)
    for name, value in {**PATIENT, "StudyDate": "20260102"}.items():
        setattr(drawn, name, value)
    drawn.file_meta.MediaStorageSOPInstanceUID = UID(INSTANCE)
    composition.archive.upload(content(drawn))
    return content(drawn)


class Visitor:
    """Somebody who reaches the app by the name that the README gives it."""

    def __init__(self, composition: Composition) -> None:
        self.client = httpx.Client(
            base_url=f"http://localhost:{composition.app.port}", timeout=LONGEST_S, trust_env=False
        )

    def open_window(self) -> None:
        """Of the page."""
        self.client.headers[HEADER] = self.call("window")["window"]

    def call(self, request: str, body: bytes | None = None, /, **asked: Any) -> dict[str, Any]:
        """The reply to a request that is done."""
        reply = self.client.post(f"/api/{request}", content=body or json.dumps(asked))
        assert reply.status_code == 200, (request, reply.status_code, reply.text[:500])
        return told(reply.content)


@pytest.fixture(scope="module")
def anna(composition: Composition) -> Iterator[Visitor]:
    """The first account, signed in by the link that making it printed."""
    visitor = Visitor(composition)
    address, _, link = composition.account.splitlines()[-2].partition("/sign-in#link=")
    (published,) = composition.services["app"]["ports"]
    assert address == f"http://localhost:{published.split(':')[1]}"
    assert visitor.call("sign_in_link", link=link) == {"name": "anna", "chooses_password": True}
    visitor.call("choose_password", link=link, password=PASSWORD)
    visitor.open_window()
    yield visitor
    visitor.client.close()


def test_the_database_is_called_healthy_when_others_reach_it_and_not_before(composition: Composition) -> None:
    assert not composition.healthy_too_early
    assert composition.is_healthy("database")


def test_the_app_is_healthy_and_answers_nobody_who_has_no_account(composition: Composition) -> None:
    stranger = Visitor(composition)
    health = stranger.client.get("/healthz")
    assert (health.status_code, health.json()["live"], health.json()["database"]) == (200, "yes", "writable")
    assert stranger.client.post("/api/window", content=b"{}").status_code == 401
    assert stranger.client.get("/", headers={"host": "reading.example"}).status_code == 403
    stranger.client.close()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv, which takes privileges away, is not here")
def test_the_app_runs_without_capabilities_and_gets_none(composition: Composition) -> None:
    status = Path(f"/proc/{composition.app.pid}/status").read_text(encoding="utf-8")
    about = dict(line.split(":\t", 1) for line in status.splitlines())
    assert (about["NoNewPrivs"], int(about["CapEff"], 16)) == ("1", 0)


def test_archive_and_figures_ask_for_their_passwords(composition: Composition, film: bytes) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{composition.archive.http}", trust_env=False) as client:
        mine = ("patchclip", composition.variables["ARCHIVE_PASSWORD"])
        for path in ("/dicom-web/studies", "/instances"):
            assert client.get(path).status_code == 401
            assert client.get(path, auth=("patchclip", "patchclip")).status_code == 401
            assert len(client.get(path, auth=mine, headers={"accept": "*/*"}).json()) == 1
    stranger = Visitor(composition)
    token = composition.variables["METRICS_TOKEN"]
    for headers, status in (({}, 403), ({"authorization": f"Bearer {token[1:]}"}, 403)):
        assert stranger.client.get("/metrics", headers=headers).status_code == status
    figures = stranger.client.get("/metrics", headers={"authorization": f"Bearer {token}"})
    assert (figures.status_code, "patchclip_ready 1.0" in figures.text) == (200, True)
    stranger.client.close()


def test_a_study_of_the_archive_is_read_and_the_reading_outlives_the_app(
    composition: Composition, anna: Visitor, film: bytes
) -> None:
    assert anna.call("start")["archive"] is True
    (found,) = anna.call("archive_find", accession=PATIENT["AccessionNumber"])["studies"]
    assert (found["study"], found["date"]) == (STUDY, "20260102")
    (item,) = anna.call("archive_films", study=found["study"])["films"]
    wanted = {"study": STUDY, "series": item["series"], "instance": item["instance"]}
    fetched = anna.client.post("/api/archive_film", json=wanted).content
    opened = anna.call("open_upload", fetched)
    assert opened["sha256"] == load_radiograph(film).sha256
    (answer,) = anna.call("ask", study=opened["study"], text="pleural effusion on the left")["answers"]
    assert answer["finding"] == "pleural effusion" and 0 <= answer["probability"] <= 1
    judged = reading(
        opened["study"], query=answer["query"], presence="present", location="", comment=COMMENT, reader="",
        map_shown=False, saliency_shown=[],
    )  # fmt: skip
    row = anna.call("save", **judged)["row"]

    given = composition.services["database"]["environment"]
    stored = composition.database.rows(
        "SELECT f.id, f.reader, f.presence, f.comment, p.image_sha256 "
        "FROM feedback f JOIN prediction p ON p.id = f.prediction_id",
        given["POSTGRES_DB"],
    )
    assert stored == [(row, "anna", "present", COMMENT, opened["sha256"])]

    told_at = time.monotonic()
    assert composition.app.stop(signal.SIGTERM) == 0
    assert time.monotonic() - told_at < composition.grace_s("app")
    first = composition.app.output
    composition.app.start()
    composition.wait_for("app")
    anna.open_window()  # the sign-in holds
    (kept,) = anna.call("history")["rows"]
    assert (kept["comment"], kept["reader"], kept["presence"]) == (COMMENT, "anna", "present")

    lines = [json.loads(line) for line in first.splitlines() if line.startswith("{")]
    assert {"archive_find", "open_upload", "ask", "save"} <= {line.get("endpoint") for line in lines}
    secret = (*composition.variables.values(), PASSWORD, COMMENT, "anna", "effusion", opened["study"])
    logged = first + composition.app.output
    assert not [word for word in (*NEVER, *secret) if word in logged]
    assert composition.home.is_dir() and not traces(composition.home, composition.temporary)
    assert not [word for word in NEVER if word in everything(composition, given["POSTGRES_DB"])]


def traces(*folders: Path) -> list[str]:
    """Files in which something stands that identifies the patient."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(word.encode() in path.read_bytes() for word in NEVER)]


def everything(composition: Composition, database: str) -> str:
    """All rows of all tables as text."""
    named = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    tables = [str(name) for (name,) in composition.database.rows(named, database)]
    assert {"feedback", "prediction", "account"} <= set(tables)
    rows = (composition.database.rows(f'SELECT t::text FROM "{name}" t', database) for name in tables)
    return "\n".join(str(text) for found in rows for (text,) in found)


def test_a_password_that_is_not_set_is_asked_for() -> None:
    for service in read_services().values():
        for text in service["environment"].values():
            if ":?" in text:
                with pytest.raises(
                    ValueError, match=r"_(PASSWORD|TOKEN) is missing a value: set it in \.env"
                ):
                    filled(text, {})
    assert filled("$${A} ${B} ${C:-else} ${D:-}.", {"B": "b"}) == "${A} b else ."


def test_the_archive_gets_its_user_and_its_plugin() -> None:
    given = read_services()["archive"]["environment"]
    settings = orthanc_settings(
        {name: filled(text, {"ARCHIVE_PASSWORD": "0b"}) for name, text in given.items()}
    )
    assert settings == {
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"patchclip": "0b"},
        "DicomWeb": {"Enable": True},
    }
    assert re.fullmatch(r"orthancteam/orthanc:[\d.]+", read_services()["archive"]["image"])
