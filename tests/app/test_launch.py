"""How the page is served: safe defaults reach gradio, and wrong usage ends with a sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

import patchclip
from app.__main__ import main
from app.service import Service
from app.ui import build, style
from tests.app.fake_engine import FakeEngine

VARIABLES = ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE", "GRADIO_TEMP_DIR")


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What `python -m app` hands to gradio's launch, without serving."""
    seen: dict[str, Any] = {}

    def launch(blocks: gr.Blocks, **options: Any) -> None:
        seen.update(options, blocks=blocks, **{name: os.environ[name] for name in VARIABLES})
        seen["uploads_there"] = Path(os.environ["GRADIO_TEMP_DIR"]).is_dir()

    for name in VARIABLES:
        monkeypatch.setenv(name, "to be replaced")
    monkeypatch.setattr(gr.Blocks, "launch", launch)
    monkeypatch.setattr(patchclip.Engine, "from_pretrained", lambda path=None: FakeEngine())
    assert main(["--port", "7999", "--database", str(tmp_path / "data" / "feedback.sqlite3")]) == 0
    return seen


def test_defaults_are_safe(launched: dict[str, Any], tmp_path: Path) -> None:
    assert launched["server_name"] == "127.0.0.1"
    assert launched["server_port"] == 7999
    assert launched["max_file_size"] == "64mb"
    assert launched["allowed_paths"] == []
    assert str(tmp_path / "data") in launched["blocked_paths"]
    assert launched["footer_links"] == []
    assert [launched[name] for name in ("run_history", "share", "ssr_mode")] == [False, False, False]
    assert launched["css"] == style()


def test_no_analytics_no_network_and_uploads_in_a_folder_that_goes_with_the_server(
    launched: dict[str, Any],
) -> None:
    assert launched["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert launched["HF_HUB_OFFLINE"] == "1"
    assert launched["uploads_there"]
    assert not Path(launched["GRADIO_TEMP_DIR"]).exists()


def test_the_page_has_no_public_endpoint_and_forgets_uploads(launched: dict[str, Any]) -> None:
    blocks = launched["blocks"]
    assert [function for function in blocks.fns.values() if function.api_visibility != "private"] == []
    assert blocks.get_api_info()["named_endpoints"] == {}
    assert blocks.delete_cache is not None


def test_the_database_is_migrated_before_the_page_is_served(launched: dict[str, Any], tmp_path: Path) -> None:
    assert (tmp_path / "data" / "feedback.sqlite3").read_bytes().startswith(b"SQLite format 3")


def test_the_page_carries_its_notice_limit_and_script(service: Service) -> None:
    page = next(block for block in build(service, 17).blocks.values() if isinstance(block, gr.HTML))
    assert page.html_template.count("Research use only, not for clinical use") == 3
    assert 'data-limit="17"' in page.html_template
    assert "http" not in page.html_template + style()
    assert {function.__name__ for function in service.methods()} <= set(dir(page))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--port", "99999"], "port"), (["--checkpoint", "/no/such/folder"], "checkpoint")],
)
def test_wrong_usage_ends_with_a_sentence(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    assert main([*arguments, "--database", str(tmp_path / "feedback.sqlite3")]) in (1, 2)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert "Traceback" not in error


def test_gradio_is_not_imported_before_its_environment_is_set() -> None:
    code = "import app.__main__, sys; sys.exit('gradio' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )
