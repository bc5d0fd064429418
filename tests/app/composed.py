"""The services of app/deploy/compose.yaml as processes of this machine, in the environment that it gives.

Debian's PostgreSQL and Orthanc stand for the two images. What the images make of their variables is done
here as their start scripts do it: https://github.com/docker-library/postgres (docker-entrypoint.sh) and
https://github.com/orthanc-server/orthanc-builder (docker/orthanc/configurator.py).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

from tests.app.postgres import Server as Postgres
from tests.app.postgres import programs
from tests.archive.orthanc import Orthanc, running
from tests.browser.serving import Server, free_port
from tests.tiny import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "app" / "deploy"
APP_USER = 10001
LONGEST_S = 900.0
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?::([?-])([^}]*))?\})")


def read_services() -> dict[str, Any]:
    """Of the compose file, variables as they stand there."""
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"])


def read_steps() -> list[tuple[str, str]]:
    """(instruction, its words) of the Containerfile."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines if line.strip())]


def image_variables() -> dict[str, str]:
    """Those that the app's image sets."""
    return dict(
        word.split("=", 1) for step, text in read_steps() if step == "ENV" for word in shlex.split(text)
    )


def filled(text: str, variables: Mapping[str, str]) -> str:
    """A value of the compose file with its variables, by the rules of the Compose Specification.

    Raises:
        ValueError: one that must be set is not.
    """

    def value(found: re.Match[str]) -> str:
        name, rule, more = found.groups()
        if name is None:
            return "$"
        if rule == "?" and not variables.get(name):
            raise ValueError(f"required variable {name} is missing a value: {more}")
        return variables.get(name) or (more if rule == "-" else "")

    return VARIABLE.sub(value, text)


def orthanc_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """What the image's start script writes into Orthanc's configuration file: each part of a name in camel
    case, each value read as JSON where it is any."""
    settings: dict[str, Any] = {}
    for variable, text in environment.items():
        if variable == "DICOM_WEB_PLUGIN_ENABLED":
            settings["DicomWeb"] = {"Enable": text != "false"}
            continue
        assert variable.startswith("ORTHANC__"), f"the image would pass {variable} over"
        *above, last = (
            "".join(word.capitalize() for word in part.split("_")) for part in variable.split("__")[1:]
        )
        place = settings
        for part in above:
            place = place.setdefault(part, {})
        try:
            place[last] = json.loads(text)
        except ValueError:
            place[last] = text
    return settings


class Composition:
    """The three services.

    Attributes:
        services: of the compose file, the environment filled.
        variables: what stands in .env: passwords, each of its own.
        database, archive, app: the processes.
        account: what making the first account printed.
        healthy_too_early: whether the database was called healthy while its first start was under way, when
            it is reached by its socket alone.
        home: the app's folder, which is a volume.
        temporary: the app's /tmp.
    """

    database: Postgres
    archive: Orthanc
    app: Server
    account: str

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.services = read_services()
        said = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
        required = sorted(set(re.findall(r"\$\{(\w+):\?", said)))
        self.variables = {name: secrets.token_hex(24) for name in required}  # as the README makes them
        for service in self.services.values():
            environment = service["environment"].items()
            service["environment"] = {name: filled(text, self.variables) for name, text in environment}
        self.healthy_too_early = False
        self.home, self.temporary = folder / "app" / "home", folder / "app" / "tmp"

    def start(self) -> None:
        """All, in the order of the file, each once what it depends on is as the file says."""
        start = {"database": self._start_database, "archive": self._start_archive, "app": self._start_app}
        needs = {name: service.get("depends_on", {}) for name, service in self.services.items()}
        for name in TopologicalSorter(needs).static_order():
            for other, needed in needs[name].items():
                if needed["condition"] == "service_healthy":
                    self.wait_for(other)
            start[name]()
        self.wait_for("app")

    def wait_for(self, name: str) -> None:
        """Until a service is called healthy."""
        end = time.monotonic() + LONGEST_S
        while not self.is_healthy(name):
            assert time.monotonic() < end, f"{name} does not become healthy"
            time.sleep(0.2)

    def is_healthy(self, name: str) -> bool:
        """What its health check says, which is run as it stands in the compose file or the app's image."""
        if name == "app":
            assert self.app.is_running(), self.app.output
            (said,) = (words for step, words in read_steps() if step == "HEALTHCHECK")
            program, *words = json.loads(said.partition("CMD ")[2])
            assert program == "python"
            command = [sys.executable, *(word.replace(":7860/", f":{self.app.port}/") for word in words)]
            place: dict[str, str] = {}
        else:
            kind, program, *words = self.services[name]["healthcheck"]["test"]
            assert kind == "CMD"
            command = [str(programs() / program), *words]
            place = {"PGHOST": str(self.database.folder), "PGPORT": str(self.database.port)}
        return subprocess.run(command, env={**os.environ, **place}, capture_output=True).returncode == 0

    def grace_s(self, name: str) -> float:
        """How long a service has to end, in seconds, before it is killed."""
        return float(self.services[name]["stop_grace_period"].removesuffix("s"))

    def run_app(self, *words: str) -> str:
        """What a command of the app prints, run as `docker compose run app` runs it."""
        done = subprocess.run(
            [*self._confined, sys.executable, "-m", "app", *words],
            env={**os.environ, **self._app_environment}, cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _start_database(self) -> None:
        given = self.services["database"]["environment"]
        self.database = Postgres(
            self._made("database"),
            given["POSTGRES_USER"],
            given["POSTGRES_PASSWORD"],
            shlex.split(given["POSTGRES_INITDB_ARGS"]),
        )
        self._stack.callback(self.database.abandon)
        self.database.stop()
        # The image's first start: a server without an address makes the database, and ends again.
        self.database.start(address="")
        self.healthy_too_early = self.is_healthy("database")
        self.database.stop()
        self.database.start()
        self.database.run(f'CREATE DATABASE "{given["POSTGRES_DB"]}"')

    def _start_archive(self) -> None:
        settings = orthanc_settings(self.services["archive"]["environment"])
        self.archive = self._stack.enter_context(running(self._made("archive"), settings))

    def _start_app(self) -> None:
        ports = {"database:5432": self.database.port, "archive:8042": self.archive.http}
        places = {"/var/lib/patch-clip": self.home, "/tmp": self.temporary}
        environment = image_variables()
        del environment["PATH"]
        for image, here in places.items():
            here.mkdir(parents=True)
            for name, text in environment.items():
                if text.startswith(image):
                    environment[name] = text.replace(image, str(here), 1)
        for name, text in self.services["app"]["environment"].items():
            environment[name] = re.sub(r"@(\w+:\d+)/", lambda found: f"@127.0.0.1:{ports[found[1]]}/", text)
        # A small model, so that the test takes less time.
        environment["PATCHCLIP_CHECKPOINT"] = str(tiny_checkpoint(self._made("model")))
        self._app_environment = {**environment, "TMPDIR": str(self.temporary)}
        self._confined = _confined(self.home, self.temporary)
        self.account = self.run_app(*_readme_words())
        log = self._made("log") / "none"
        self.app = Server(log, free_port(), self._app_environment, self._confined)
        self.app.start()
        self._stack.callback(self.app.end)

    def _made(self, name: str) -> Path:
        (self._folder / name).mkdir()
        return self._folder / name


def _readme_words() -> list[str]:
    """What the README has the app's container run to make the first account."""
    said = (ROOT / "app" / "README.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"^docker compose run --rm app ([^#\n]+)", said, re.MULTILINE)
    return shlex.split(words)


def _confined(*own: Path) -> list[str]:
    """Words before a command that take privileges away, as the compose file does: no new ones and, from root,
    capabilities; and the image's user in the place of root, where that user can run this interpreter.

    own: folders that the user may write.
    """
    if not shutil.which("setpriv"):  # Linux has it
        return []
    if os.geteuid() != 0:
        return ["setpriv", "--no-new-privs"]
    words = ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
    ordinary = [*words, f"--reuid={APP_USER}", f"--regid={APP_USER}", "--clear-groups"]
    # Asked once it runs: setpriv itself still finds an interpreter that its user could not.
    reach = f"import os; os.stat({sys.executable!r}), os.listdir({str(ROOT / 'app')!r})"
    probe = [*ordinary, sys.executable, "-c", reach]
    if subprocess.run(probe, capture_output=True).returncode:
        return words
    for folder in own:
        os.chown(folder, APP_USER, APP_USER)
    return ordinary


@contextmanager
def composed(folder: Path) -> Iterator[Composition]:
    """All services, started and healthy, until the end.

    folder: an empty one that other users may enter.
    """
    with ExitStack() as stack:
        composition = Composition(folder, stack)
        composition.start()
        yield composition
