"""Settings: every PATCHCLIP_ variable works, is described, and is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from app.settings import Settings, UsageError, read_settings

VALUES = {
    "host": ("0.0.0.0", "0.0.0.0"),
    "port": ("7861", 7861),
    "allowed_hosts": ("reading.example, films.example", "reading.example, films.example"),
    "database": ("/srv/feedback.sqlite3", Path("/srv/feedback.sqlite3")),
    "checkpoint": ("/srv/model", Path("/srv/model")),
    "twin": ("/srv/twin", Path("/srv/twin")),
    "truth": ("/srv/truth.csv", Path("/srv/truth.csv")),
    "prior": ('["Effusion=0.3"]', ["Effusion=0.3"]),
    "upload_limit_mb": ("9", 9),
    "study_memory_mb": ("3", 3),
    "dicomweb": (
        "https://reader:secret@archive/dicom-web",
        SecretStr("https://reader:secret@archive/dicom-web"),
    ),
    "dicomweb_token": ("secret", SecretStr("secret")),
    "receive_port": ("11112", 11112),
    "receive_host": ("0.0.0.0", "0.0.0.0"),
    "receive_title": ("READER", "READER"),
    "receive_senders": ("PACS, CR1", "PACS, CR1"),
    "label_origins": ("http://localhost:3000", "http://localhost:3000"),
    "auth_dependency": ("site.login:name_of", "site.login:name_of"),
    "auth_new_readers": ("true", True),
    "sign_in_idle_minutes": ("30", 30),
    "sign_in_hours": ("8", 8),
    "study_folder": ("/srv/studies", Path("/srv/studies")),
    "study_cases": ("/srv/films", Path("/srv/films")),
    "metrics_token": ("secret", SecretStr("secret")),
    "log_format": ("json", "json"),
    "models": ("/srv/models", Path("/srv/models")),
    "teach_data": ('["nih:/srv/nih"]', ["nih:/srv/nih"]),
    "backend": ("onnx", "onnx"),
    "precision": ("bf16", "bf16"),
    "mirror": ("false", False),
    "search_folder": ("/srv/batch", Path("/srv/batch")),
    "search_key": ("/srv/key", Path("/srv/key")),
    "search_films": ("/srv/archive", Path("/srv/archive")),
}


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VALUES:
        monkeypatch.delenv(f"PATCHCLIP_{name.upper()}", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_this_file_knows_every_setting() -> None:
    assert set(VALUES) == set(Settings.model_fields)


@pytest.mark.parametrize("name", VALUES)
def test_each_setting_is_read_from_its_environment_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, value = VALUES[name]
    assert getattr(Settings(), name) != value
    monkeypatch.setenv(f"PATCHCLIP_{name.upper()}", text)
    assert getattr(Settings(), name) == value


@pytest.mark.parametrize("name", VALUES)
def test_each_setting_says_what_it_is(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_defaults_listen_on_this_machine_alone_and_keep_feedback_under_home(tmp_path: Path) -> None:
    settings = Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 7860)
    assert isinstance(settings.database, Path)
    assert settings.database.is_relative_to(tmp_path)
    assert settings.checkpoint is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("port", 70000), ("port", -1), ("upload_limit_mb", 0), ("study_memory_mb", 0), ("colour", "red")],
)
def test_values_that_make_no_sense_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        Settings(**{name: value})


@pytest.mark.parametrize("name", VALUES)
def test_each_setting_is_a_flag_that_counts_more_than_its_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, value = VALUES[name]
    others = {"prior": '["Nodule=0.1"]', "teach_data": '["vindr:/srv/vindr"]'}
    other = others.get(name) or str(getattr(Settings(), name) or "/srv/other")
    monkeypatch.setenv(f"PATCHCLIP_{name.upper()}", other)
    assert getattr(read_settings([f"--{name.replace('_', '-')}", text]), name) == value


def test_help_lists_every_flag_with_its_description(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "10000")  # no line is broken at a hyphen
    with pytest.raises(SystemExit) as stopped:
        read_settings(["--help"])
    assert stopped.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "not for clinical use" in shown
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')} " in shown
        assert str(field.description) in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "seven"], "port"),
        (["--port", "99999"], "port"),
        (["--port"], "--port"),
        (["--colour", "red"], "--colour"),
        (["--study-memory-mb", "0"], "study_memory_mb"),
        (["study.dcm"], "study.dcm"),
    ],
)
def test_wrong_flags_are_one_sentence(arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]+--help [^\n]+\.$") as said:
        read_settings(arguments)
    assert words in str(said.value)


def test_a_wrong_variable_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATCHCLIP_UPLOAD_LIMIT_MB", "much")
    with pytest.raises(UsageError, match="upload_limit_mb"):
        read_settings([])


def test_names_of_hosts_are_parted_by_commas_or_blanks() -> None:
    assert Settings(allowed_hosts="a.example,b.example  c").host_names == ("a.example", "b.example", "c")
    assert Settings().host_names == ()


def test_an_origin_is_one_or_is_refused() -> None:
    settings = read_settings(["--label-origins", "http://localhost:3000/, https://ohif.example"])
    assert settings.guests == ("http://localhost:3000", "https://ohif.example")
    for origin in ("*", "localhost:3000", "https://*.example", "https://a.example/page"):
        with pytest.raises(UsageError, match="label_origins"):
            read_settings(["--label-origins", origin])
