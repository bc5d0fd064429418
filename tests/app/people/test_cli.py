"""python -m app account: the first account, links, passwords that no flag carries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.__main__ import main
from app.people import cli
from app.people.accounts import AccountFacts, Accounts
from app.people.identity import Role
from app.people.passwords import Passwords
from app.store import migrate, open_database

PASSWORD = "correct horse battery"


class Terminal:
    """Whoever types what is asked."""

    def __init__(self, *typed: str) -> None:
        self.typed, self.asked = list(typed), list[str]()

    def isatty(self) -> bool:
        """It is one."""
        return True

    def getpass(self, prompt: str) -> str:
        """What is typed next."""
        self.asked.append(prompt)
        return self.typed.pop(0)


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch, passwords: Passwords) -> None:
    monkeypatch.setattr("app.people.accounts.Passwords", lambda: passwords)
    monkeypatch.setattr("app.__main__.signal.signal", lambda *_: None)


def type_in(monkeypatch: pytest.MonkeyPatch, *typed: str) -> Terminal:
    """Somebody sits at the terminal."""
    terminal = Terminal(*typed)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", terminal.getpass)
    return terminal


def run(tmp_path: Path, *words: str) -> int:
    """One command on one database."""
    return main(["account", *words, "--database", str(tmp_path / "feedback.sqlite3")])


def accounts_in(tmp_path: Path) -> list[AccountFacts]:
    """What the database has then."""
    engine = open_database(tmp_path / "feedback.sqlite3")
    migrate(engine)
    found = Accounts(engine).facts()
    engine.dispose()
    return found


def test_the_first_account_is_made_at_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = type_in(monkeypatch, PASSWORD, PASSWORD)
    assert run(tmp_path, "create", "Ada", "--role", "admin") == 0
    out = capsys.readouterr().out
    assert "Ada may sign in as admin." in out
    assert "first account" in out and "restarted" in out
    assert PASSWORD not in out
    assert terminal.asked == ["Password of Ada: ", "Once more: "]
    assert accounts_in(tmp_path) == [AccountFacts("Ada", Role.ADMIN, True, False, 0, 0)]


def test_two_passwords_that_differ_make_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    type_in(monkeypatch, PASSWORD, PASSWORD + "x")
    assert run(tmp_path, "create", "Ada") == 1
    assert capsys.readouterr().err == "error: The two passwords differ; try again.\n"
    assert accounts_in(tmp_path) == []


def test_without_a_terminal_no_password_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "create", "Ada") == 2
    assert "use --link" in capsys.readouterr().err
    assert accounts_in(tmp_path) == []


def test_no_flag_carries_a_password() -> None:
    with pytest.raises(SystemExit):
        cli.make_parser().parse_args(["create", "Ada", "--password", PASSWORD])


def test_a_link_is_printed_once_and_stands_behind_the_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "create", "Ada", "--link", "--days", "2") == 0
    out = capsys.readouterr().out
    assert "Valid for 2 days, once; whoever has it is Ada:" in out
    assert re.search(r"^http://127\.0\.0\.1:7860/sign-in#link=[\w-]{43}$", out, re.MULTILINE)
    assert run(tmp_path, "link", "ada", "--reusable", "--address", "https://reading.example/") == 0
    out = capsys.readouterr().out
    assert "Valid for 7 days, until then" in out
    assert re.search(r"^https://reading\.example/sign-in#link=[\w-]{43}$", out, re.MULTILINE)
    assert accounts_in(tmp_path) == [AccountFacts("Ada", Role.READER, False, False, 2, 0)]


def test_accounts_are_listed_and_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "list") == 0
    assert "There is no account" in capsys.readouterr().out
    assert run(tmp_path, "create", "Ada", "--link") == 0
    type_in(monkeypatch, PASSWORD, PASSWORD)
    assert run(tmp_path, "password", "Ada") == 0
    assert run(tmp_path, "role", "Ada", "--role", "lead") == 0
    capsys.readouterr()
    assert run(tmp_path, "list") == 0
    assert capsys.readouterr().out == "Ada\tlead\tpassword, 1 valid links, signed in at 0 browsers\n"
    assert run(tmp_path, "disable", "Ada") == 0
    capsys.readouterr()
    run(tmp_path, "list")
    assert capsys.readouterr().out == "Ada\tlead\tdisabled\n"
    assert run(tmp_path, "enable", "Ada") == 0
    assert accounts_in(tmp_path) == [AccountFacts("Ada", Role.LEAD, True, False, 0, 0)]


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "disable", "Nemo") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: There is no account named Nemo")
    assert error.count("\n") == 1
    with pytest.raises(SystemExit):
        run(tmp_path, "link", "Ada", "--days", "0")
    assert "1 to 365 days" in capsys.readouterr().err
