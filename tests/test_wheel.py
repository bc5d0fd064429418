"""The wheel: the library alone, with its checkpoint and vocabulary inside, answers away from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

import patchclip.version
from patchclip import Engine, load_radiograph

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "assets" / "examples" / "synthetic_effusion.png"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel, without asking any index."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run(
        [*build, "--wheel-dir", str(folder), str(ROOT)], check=True, capture_output=True, text=True
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_library_and_its_assets_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0] for name in names} == {
        "patchclip",
        f"patch_clip-{patchclip.version.__version__}.dist-info",
    }
    committed = subprocess.run(
        ["git", "ls-files", "patchclip"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(committed) <= set(names)
    model = {
        f"patchclip/assets/patchclip-cxr-s/{name}"
        for name in ("model.safetensors", "prompts.safetensors", "prevalence.json", "accuracy.json")
    }
    assert model <= set(names)
    assert {"patchclip/assets/vocabulary.json", "patchclip/assets/phrases.safetensors"} <= set(names)
    assert {f"patchclip/assets/lung-fields/{name}" for name in ("model.json", "model.safetensors")} <= set(
        names
    )
    assert "patchclip/assets/orientation/heart.safetensors" in names


def test_it_answers_from_elsewhere_as_the_checkout_does(wheel: Path, tmp_path: Path, engine: Engine) -> None:
    with ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HF_HUB_OFFLINE": "1"}
    script = (
        "import sys, patchclip.resources, patchclip.__main__\n"
        "print(patchclip.resources.BUNDLED)\n"
        "sys.exit(patchclip.__main__.main(sys.argv[1:]))"
    )
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            script,
            "predict",
            str(EXAMPLE),
            "--query",
            "no pleural effusion at the left base",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    bundled, line = run.stdout.splitlines()
    assert bundled == str(tmp_path / "site" / "patchclip" / "assets" / "patchclip-cxr-s")
    (answer,) = json.loads(line)["queries"]
    (expected,) = engine.query(
        engine.encode(load_radiograph(EXAMPLE)), ["no pleural effusion at the left base"]
    )
    assert answer["probability"] == pytest.approx(expected.probability, abs=1e-4)


def test_every_dependency_of_the_wheel_is_pinned_for_the_checkout() -> None:
    """The bounds in pyproject.toml and the exact pins say the same things."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = {
        line.split("==")[0].split("[")[0].lower().replace("_", "-")
        for file in ROOT.glob("requirements*.txt")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    for part, bounds in {"library": project["dependencies"], **project["optional-dependencies"]}.items():
        for bound in bounds:
            name = re.split(r"[<>=\[; ]", bound)[0].lower().replace("_", "-")
            assert name == "patch-clip" or name in pins, (part, bound)
