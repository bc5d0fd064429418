"""The container and its neighbours: an ordinary user, nothing to write on, no password in a file."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.settings import Settings
from app.store.postgres import Address
from tests.app.composed import DEPLOY, ROOT, image_variables, read_services, read_steps

OWN_ROOM = ("/tmp", "/var/lib/patch-clip")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Of the compose file."""
    return read_services()


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """(instruction, its words) of the Containerfile."""
    return read_steps()


def test_the_app_runs_as_an_ordinary_user_and_writes_where_it_may_alone(
    services: dict[str, Any], steps: list[tuple[str, str]]
) -> None:
    app = services["app"]
    said = (DEPLOY / "Containerfile").read_text(encoding="utf-8").splitlines()
    assert app["read_only"] is True
    assert app["cap_drop"] == ["ALL"]
    assert app["security_opt"] == ["no-new-privileges:true"]
    assert [place.split(":")[0] for place in app["tmpfs"]] == [OWN_ROOM[0]]
    assert [place.split(":")[1] for place in app["volumes"]] == [OWN_ROOM[1]]
    (user,) = [words for step, words in steps if step == "USER"]
    assert user == app["user"] == "10001:10001"
    # The format of an image that podman makes by itself knows no HEALTHCHECK.
    command = next(line for line in said if "podman build" in line)
    assert "HEALTHCHECK" in [step for step, _ in steps] and "--format docker" in command
    assert steps[-1] == ("ENTRYPOINT", '["python", "-m", "app"]')  # so that signals reach it
    written = image_variables()
    assert written["HOME"] == OWN_ROOM[1]
    assert written["MPLCONFIGDIR"].startswith(OWN_ROOM[0])


def test_what_the_image_takes_of_the_repository_is_there(steps: list[tuple[str, str]]) -> None:
    copied = [words.split()[0] for step, words in steps if step == "COPY" and not words.startswith("--from")]
    assert set(copied) == {"requirements.txt", "LICENSE", "assets", "patchclip", "app"}
    assert all((ROOT / name).exists() for name in copied)
    kept = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == set(copied)


def test_every_variable_is_a_setting_and_no_password_stands_in_the_file(
    services: dict[str, Any], steps: list[tuple[str, str]]
) -> None:
    given = dict(services["app"]["environment"])
    names = {name for name in given if name.startswith("PATCHCLIP_")}
    names |= set(re.findall(r"PATCHCLIP_[A-Z_]+", " ".join(words for step, words in steps if step == "ENV")))
    assert names <= {f"PATCHCLIP_{name.upper()}" for name in Settings.model_fields}
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    secrets = [line for line in text.splitlines() if re.search(r"PASSWORD|TOKEN|@", line.split("#")[0])]
    assert len(secrets) == 5
    assert all("${" in line and ":?set it in .env}" in line for line in secrets)
    address = Address.read(re.sub(r"\$\{[^}]*\}", "secret", given["PATCHCLIP_DATABASE"]))
    there = services[address.host]["environment"]
    assert (address.user, address.name) == (there["POSTGRES_USER"], there["POSTGRES_DB"])
    assert services["app"]["depends_on"][address.host] == {"condition": "service_healthy"}


def test_only_this_machine_reaches_what_is_published(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == 3
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert services["app"]["ports"] == ["127.0.0.1:7860:7860"]
    assert "ports" not in services["database"]
