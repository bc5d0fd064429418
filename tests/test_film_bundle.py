"""Cornerstone as it is bundled for the page: made from what is committed, small enough, with its licences."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[1] / "app" / "page"
SOURCE = PAGE / "bundle"
INPUTS = ("build.mjs", "cornerstone.js", "mit.txt", "package-lock.json")
LARGEST = 6_000_000
BUNDLED = ("cornerstone.js", "cornerstone_licences.txt")


def test_the_bundle_says_what_it_was_made_from() -> None:
    """Without node: whoever changes a version or the build and forgets `make page` hears of it."""
    made_from = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in INPUTS)).hexdigest()
    with (PAGE / "cornerstone.js").open(encoding="utf-8") as bundle:
        assert made_from in bundle.readline(), "run make page"
    assert (PAGE / "cornerstone.js").stat().st_size < LARGEST


def test_versions_are_exact_and_the_lock_file_names_no_registry() -> None:
    wanted = json.loads((SOURCE / "package.json").read_text())
    versions = [*wanted["dependencies"].values(), *wanted["devDependencies"].values()]
    assert all(version.replace(".", "").isdigit() for version in versions)
    packages = json.loads((SOURCE / "package-lock.json").read_text())["packages"]
    assert all("resolved" not in package for package in packages.values())
    assert all("integrity" in package for name, package in packages.items() if name)


def test_every_licence_stands_beside_the_bundle() -> None:
    text = (PAGE / "cornerstone_licences.txt").read_text(encoding="utf-8")
    entries = text.split("\n\n" + "-" * 80 + "\n\n")
    assert {"@cornerstonejs/core", "@cornerstonejs/tools", "@kitware/vtk.js"} <= {
        entry.split(" ")[0] for entry in entries
    }
    for entry in entries:
        assert "copyright" in entry.lower(), entry[:60]
        assert len(entry) > 400, entry[:60]


def test_a_rebuild_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is missing, so the bundle cannot be made again: sudo apt-get install npm")
    if not (SOURCE / "node_modules" / "esbuild").is_dir():
        pytest.skip("the bundle's packages are not installed: make page installs them")
    subprocess.run(["node", "build.mjs", str(tmp_path)], cwd=SOURCE, check=True, capture_output=True)
    for name in BUNDLED:
        assert (tmp_path / name).read_bytes() == (PAGE / name).read_bytes(), name
