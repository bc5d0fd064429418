"""A real Orthanc on loopback, with an empty database that goes with it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

USER, PASSWORD = "reader", "f1lms"
OWN: Mapping[str, Any] = {
    "AuthenticationEnabled": True,
    "RegisteredUsers": {USER: PASSWORD},
    "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
}


@dataclass(frozen=True)
class Orthanc:
    """Where it listens."""

    http: int
    dicom: int
    user: str = USER
    password: str = PASSWORD

    @property
    def dicomweb(self) -> str:
        """With user and password."""
        return f"http://{self.user}:{self.password}@127.0.0.1:{self.http}/dicom-web"

    def get(self, path: str) -> Any:
        """An answer of its own REST interface."""
        answer = requests.get(
            f"http://127.0.0.1:{self.http}{path}", auth=(self.user, self.password), timeout=30
        )
        answer.raise_for_status()
        return answer.json()

    def tags(self) -> list[dict[str, str]]:
        """Headers of all that it holds."""
        return [self.get(f"/instances/{key}/simplified-tags") for key in self.get("/instances")]

    def held(self) -> dict[str, str]:
        """Modality by Orthanc's own key."""
        return {
            key: self.get(f"/instances/{key}/simplified-tags")["Modality"] for key in self.get("/instances")
        }

    def upload(self, content: bytes) -> None:
        """Puts a DICOM file in."""
        answer = requests.post(
            f"http://127.0.0.1:{self.http}/instances",
            data=content,
            auth=(self.user, self.password),
            timeout=30,
        )
        answer.raise_for_status()

    def delete(self, instance_uid: str) -> None:
        """Takes an instance out."""
        (key,) = (
            key
            for key in self.get("/instances")
            if self.get(f"/instances/{key}/simplified-tags")["SOPInstanceUID"] == instance_uid
        )
        requests.delete(
            f"http://127.0.0.1:{self.http}/instances/{key}", auth=(self.user, self.password), timeout=30
        ).raise_for_status()

    def push(self, port: int, title: str, instances: list[str] | None = None) -> None:
        """Sends instances, or all that it holds, to a C-STORE listener."""
        calls: tuple[tuple[str, Any], ...] = (
            ("/modalities/listener", {"AET": title, "Host": "127.0.0.1", "Port": port}),
            ("/modalities/listener/store", instances or self.get("/instances")),
        )
        for path, body in calls:
            send = requests.put if path.endswith("listener") else requests.post
            send(
                f"http://127.0.0.1:{self.http}{path}", json=body, auth=(self.user, self.password), timeout=60
            ).raise_for_status()


@contextmanager
def running(folder: Path, settings: Mapping[str, Any] = OWN) -> Iterator[Orthanc]:
    """Started and answering; skips where Debian's package is missing, unless in continuous integration.

    settings: who may ask and which plugins do what, as in Orthanc's configuration file.
    """
    program = shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")
    plugins = sorted(Path("/usr/lib/orthanc").glob("libOrthancDicomWeb.so*"))
    if not program or not plugins:
        assert os.environ.get("CI") != "true", "Orthanc is missing; make test installs it"
        pytest.skip("Orthanc is not installed: apt-get install orthanc orthanc-dicomweb")
    ((user, password),) = settings["RegisteredUsers"].items()
    server = Orthanc(_free_port(), _free_port(), user, password)
    config = folder / "orthanc.json"
    config.write_text(
        json.dumps(
            {
                "Name": "test",
                "StorageDirectory": str(folder / "storage"),
                "IndexDirectory": str(folder / "storage"),
                "HttpPort": server.http,
                "DicomPort": server.dicom,
                "Plugins": [str(plugins[0])],
                "DicomScuTimeout": 60,  # a busy machine may need more than the ten seconds of its default
                **settings,
                "RemoteAccessAllowed": False,
            }
        )
    )
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, str(config)], stdout=log, stderr=log)
    try:
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(30)


def _wait(server: Orthanc, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()
        try:
            server.get("/system")
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"Orthanc does not answer: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
