"""Documentation that cannot rot.

Settings, flags, commands, paths and figures in every README and the model card are those of the code and of
the committed evaluation.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import pytest

from app.backup import make_parser as backup_parser
from app.people.cli import make_parser as account_parser
from app.settings import Settings
from app.study.cli import make_parser as study_parser
from patchclip import Engine
from patchclip.__main__ import make_parser as patchclip_parser
from patchclip.evaluate.render import markdown
from patchclip.evaluate.report import Report
from patchclip.model.checkpoint import load_checkpoint
from trainer.__main__ import make_parser as trainer_parser
from trainer.gate.measure import markdown as gates_markdown

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "app/README.md",
        "patchclip/README.md",
        "patchclip/evaluate/README.md",
        "trainer/README.md",
    )
}
README = DOCUMENTS["README.md"]
TEXT = "\n".join(DOCUMENTS.values())
MODEL = ROOT / "assets" / "patchclip-cxr-s"
CARD = MODEL / "MODEL_CARD.md"
TWIN = ROOT / "assets" / "patchclip-cxr-s-twin"


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """Every long flag of a parser and its commands, each of which must say what it does."""
    found: set[str] = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= flags(child)
        else:
            assert action.help, action.dest
            found |= {name for name in action.option_strings if name.startswith("--")}
    return found


def test_every_setting_is_in_the_readme_of_the_app_and_no_other() -> None:
    assert set(re.findall(r"PATCHCLIP_[A-Z_]+", DOCUMENTS["app/README.md"])) == {
        f"PATCHCLIP_{name.upper()}" for name in Settings.model_fields
    }


def test_the_documents_have_every_flag_and_no_other() -> None:
    ours = (
        flags(patchclip_parser())
        | flags(trainer_parser())
        | flags(study_parser())
        | flags(account_parser())
        | flags(backup_parser())
    ) - {"--help"}
    foreign = {
        "--port",
        "--study-cases",
        "--nproc-per-node",
        "--rdzv-id",
        "--rdzv-endpoint",
        "--rdzv-backend",
        "--node-rank",
        "--nnodes",
        "--cases",
        "--version",
        "--count",
        "--held-out",
        "--sheet",
        "--rm",
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT)) - foreign == ours - foreign


def test_commands_in_the_documents_exist() -> None:
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert set(re.findall(r"(?:^|`|\(|\n)make ([a-z]+)\b", TEXT)) <= targets
    commands = set(re.findall(r"-m (patchclip|trainer) ([a-z-]+)", TEXT))
    assert commands
    for package, command in commands:
        parser = patchclip_parser() if package == "patchclip" else trainer_parser()
        with pytest.raises(SystemExit) as stopped:
            parser.parse_args([command, "--help"])
        assert stopped.value.code == 0, command


def test_paths_in_the_documents_exist() -> None:
    for name, text in DOCUMENTS.items():
        for path in re.findall(r"\b(?:assets|trainer|app|patchclip|tests)/[\w./-]+\w", text):
            assert (ROOT / path).exists(), (name, path)
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / name).parent.joinpath(link).exists(), (name, link)
        for file in (
            re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|json))`", text) if name != "trainer/README.md" else ()
        ):
            near = [(ROOT / name).parent / file, ROOT / file]
            generated = {
                "metrics.json",
                "figures.json",
                "polygons.json",
                "val_gates.json",
                "analysis.json",
                "run.json",
            }
            assert file in generated or any(path.exists() for path in near), (name, file)


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 700


def test_figures_are_those_of_the_committed_evaluation(engine: Engine) -> None:
    record = json.loads((MODEL / "val_metrics.json").read_text(encoding="utf-8"))
    model = {"name": engine.name, "sha256": engine.sha256, "backend": engine.backend}
    assert record["model"] == model, "evaluate the bundled checkpoint again"
    twin = load_checkpoint(TWIN)
    expected = {"name": twin.model.config.name, "sha256": twin.sha256, "backend": engine.backend}
    assert record["twin"] == expected, "evaluate with --twin assets/patchclip-cxr-s-twin"
    between = re.search(
        r"<!-- figures -->\n(.*?)\n<!-- /figures -->", CARD.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    text = markdown(Report.from_json(record))
    assert between and between.group(1).strip() == text.strip()
    quoted = re.search(r"<!-- figures -->\n(.*?)\n<!-- /figures -->", README, flags=re.DOTALL)
    assert quoted
    lines = [
        line for line in quoted.group(1).splitlines() if re.search(r"\d", line) and not line.startswith("![")
    ]
    assert lines
    for line in lines:
        assert line in text, line


def test_gates_are_those_of_the_committed_measurement(engine: Engine) -> None:
    record = json.loads((MODEL / "val_gates.json").read_text(encoding="utf-8"))
    assert record["model"] == {"name": engine.name, "sha256": engine.sha256}, (
        "measure the gates of the bundled checkpoint again"
    )
    between = re.search(
        r"<!-- gates -->\n(.*?)\n<!-- /gates -->", CARD.read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert between and between.group(1).strip() == gates_markdown(record).strip()
