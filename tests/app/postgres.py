"""A PostgreSQL server of the tests' own: on a free port, in a passing folder, as an ordinary user."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pg8000
import pytest
from pydantic import SecretStr

from app.store import migrate, open_database

TEMPLATE = "of_the_newest_schema"
USER, PASSWORD = "reader", "not-to-be-shown"
WORDS = ("--encoding=UTF8", "--locale=C.UTF-8")
ABSENT = "PostgreSQL is not here; install it with: sudo apt-get install postgresql"


def programs() -> Path:
    """The folder of initdb and pg_ctl; skips the test where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    for folder in (*reversed(folders), Path(shutil.which("initdb") or "/nowhere/initdb").parent):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    pytest.skip(ABSENT)


class Server:
    """A server that can be stopped and started again; rows are not synced to the disk, for speed.

    Args:
        folder: empty; where another user must run the server, it becomes theirs.
        user, password: of its first user, who may do all.
        words: further ones for initdb.

    Attributes:
        folder: in which its socket lies, too.
        port: on this machine.
    """

    def __init__(
        self, folder: Path, user: str = USER, password: str = PASSWORD, words: Sequence[str] = WORDS
    ) -> None:
        self.folder, self._bin, self._user, self._password = folder, programs(), user, password
        self._as_user: dict[str, int] = {}
        if os.geteuid() == 0:  # which the server refuses
            try:
                other = pwd.getpwnam("postgres")
            except KeyError:
                other = pwd.getpwnam("nobody")
            self._as_user = {"user": other.pw_uid, "group": other.pw_gid}
            os.chown(folder, other.pw_uid, other.pw_gid)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        secret = folder / "password"
        secret.write_text(password)
        secret.chmod(0o644)
        self._run(
            "initdb", "--no-sync", f"--username={user}", f"--pwfile={secret}", "--auth=scram-sha-256", *words
        )  # fmt: skip
        self.start()

    def start(self, address: str = "127.0.0.1") -> None:
        """Runs it.

        address: listened on; with "" it is reached by its socket alone.
        """
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses='{address}' -c fsync=off "
            "-c full_page_writes=off -c shared_buffers=16MB -c max_connections=120"
        )
        self._run("pg_ctl", "--wait", "--log", str(self.folder / "log"), "--options", options, "start")

    def stop(self) -> None:
        """Ends it, and every connection."""
        self._run("pg_ctl", "--wait", "--mode", "fast", "stop")

    def abandon(self) -> None:
        """Ends it at once; its folder is of no use any more."""
        self._run("pg_ctl", "--wait", "--mode", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._bin / program), "--pgdata", str(self.folder / "data"), *arguments]
        subprocess.run(
            command,
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            **self._as_user,  # type: ignore[call-overload]
        )

    def url(self, database: str, password: str = "") -> SecretStr:
        """The address of a database.

        password: its own if not given.
        """
        secret = password or self._password
        return SecretStr(f"postgresql://{self._user}:{secret}@127.0.0.1:{self.port}/{database}")

    def run(self, statement: str, database: str = "postgres") -> None:
        """A statement outside of any transaction."""
        with closing(self._connect(database)) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)

    def rows(self, query: str, database: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        with closing(self._connect(database)) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def _connect(self, database: str) -> pg8000.Connection:
        return pg8000.connect(
            user=self._user, password=self._password, host="127.0.0.1", port=self.port, database=database
        )

    @contextmanager
    def database(self, template: str = TEMPLATE, more: str = "") -> Iterator[str]:
        """The name of a database of the newest schema, or as the template given has it."""
        name = f"test_{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} {more or 'STRATEGY file_copy'}")
        try:
            yield name
        finally:
            self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def serving() -> Iterator[Server]:
    """A server with the template of all databases."""
    # Not below pytest's own folders, which another user may not enter.
    with tempfile.TemporaryDirectory(prefix="patch-clip-postgres-") as folder:
        server = Server(Path(folder))
        try:
            server.run(f"CREATE DATABASE {TEMPLATE}")
            engine = open_database(server.url(TEMPLATE))
            migrate(engine)
            engine.dispose()
            yield server
        finally:
            server.abandon()
