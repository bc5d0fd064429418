"""A database on a PostgreSQL server: its address, its connections, and what is checked before it is used."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pg8000
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from app.store.errors import StoreError, sqlstate_of, unopened
from app.store.schema import FIRST_TABLES, NEWER_MEANWHILE, known_revisions

DIALECT = "postgresql"
PATIENCE_S = 15  # for an answer of the server, and for a connection that is free
LOCK_TIMEOUT_MS, MIGRATION_TIMEOUT_MS = 5000, 60_000
POOL, MORE = 8, 8  # connections that are kept, and more under load: of each process that serves
WRITERS = 0x50617463_68434C49
"""The advisory lock of who alone may write ("PatchCLI"); one number for a whole database."""
GONE = frozenset({"57P01", "57P02", "57P03"})  # the server shuts down, has crashed, is not up yet
NO_TABLE = "42P01"
TLS = ("disable", "prefer", "require", "verify-full")
BAD_ADDRESS = (
    "The database's address cannot be read ({}); write it as postgresql://user:password@host:5432/name, "
    "with %40 for an @ in the password."
)
OTHERS = (
    "The database at this address holds other tables than those of Patch-CLIP; "
    "name an empty one with PATCHCLIP_DATABASE."
)
NEWER = (
    "The feedback database was written by a newer version of Patch-CLIP; install that version, "
    "or name another database with PATCHCLIP_DATABASE."
)
READ_ONLY = "The feedback database may not be written, for its server is read-only; make it writable."
NOT_UTF8 = (
    "The database at this address does not hold every letter (its encoding is {}); "
    "make one with ENCODING 'UTF8' and name it with PATCHCLIP_DATABASE."
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is served; shown without its password.

    Attributes:
        user, password, host, port, name: of the database; a host that begins with "/" is the folder of a
            Unix socket.
        tls: how the connection is encrypted, as libpq's `sslmode`: "disable", "prefer" (if the server can),
            "require" (whoever the server is), "verify-full" (and its certificate is of this host).
        authority: file of the certificate authority, or None for those of the system.
    """

    user: str
    host: str
    port: int
    name: str
    password: str = field(default="", repr=False)
    tls: str = "prefer"
    authority: str | None = None

    @classmethod
    def read(cls, url: str) -> Address:
        """From postgresql://user:password@host:port/name?sslmode=...&sslrootcert=...&host=/socket/folder.

        Raises:
            StoreError: it is no such address; the sentence shows nothing of it.
        """
        try:
            parts = make_url(url)
        except (ArgumentError, ValueError) as error:
            raise StoreError(BAD_ADDRESS.format("it is no URL")) from error
        if parts.drivername not in (DIALECT, "postgres", "postgresql+pg8000"):
            raise StoreError(BAD_ADDRESS.format("it names a driver; Patch-CLIP brings its own, pg8000"))
        options = {name: value for name, value in parts.query.items() if isinstance(value, str)}
        if set(parts.query) - {"sslmode", "sslrootcert", "host"} or len(options) < len(parts.query):
            raise StoreError(BAD_ADDRESS.format("behind the ? stand sslmode, sslrootcert and host alone"))
        if options.get("sslmode", "prefer") not in TLS:
            raise StoreError(BAD_ADDRESS.format(f"sslmode is one of {', '.join(TLS)}"))
        authority = options.get("sslrootcert")
        if authority is not None and not Path(authority).is_file():
            raise StoreError(BAD_ADDRESS.format("there is no file as its sslrootcert says"))
        if not parts.database or not parts.username:
            raise StoreError(BAD_ADDRESS.format("the user or the database's name is missing"))
        return cls(
            user=parts.username,
            password=parts.password or "",
            host=parts.host or options.get("host") or "localhost",
            port=parts.port or 5432,
            name=parts.database,
            tls=options.get("sslmode", "prefer"),
            authority=authority,
        )

    def connect(self) -> Any:
        """A connection of pg8000.

        Raises:
            pg8000.Error: there is none.
        """
        local = self.host.startswith("/")
        try:
            return pg8000.connect(
                user=self.user,
                password=self.password or None,
                database=self.name,
                host=self.host,
                port=self.port,
                unix_sock=f"{self.host}/.s.PGSQL.{self.port}" if local else None,
                ssl_context=False if local else self._tls_context(),
                timeout=PATIENCE_S,
                application_name="patch-clip",
            )
        except OSError as error:  # what the driver lets through while both greet
            raise pg8000.InterfaceError("network error") from error

    def _tls_context(self) -> ssl.SSLContext | bool | None:
        if self.tls == "disable":
            return False
        if self.tls == "prefer":
            return None  # the driver's word for it
        context = ssl.create_default_context(cafile=self.authority)
        if self.tls == "require":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def open_server(address: Address) -> Engine:
    """An engine on a served database, which is there and empty or ours.

    A connection that has died is replaced when it is taken, so that a server that was restarted is used
    again; a lock is waited for as long as SQLite does.

    Raises:
        StoreError: the server does not answer or refuses; the database is not ours, or of a newer version.
    """
    engine = _engine(address.connect)
    try:
        with engine.connect() as connection:
            _check(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        raise unopened(error) from error
    except StoreError:
        engine.dispose()
        raise
    event.listen(engine, "checkout", _alive_and_of_this_version)
    return engine


def _engine(connect: Callable[[], Any]) -> Engine:
    """Made by a function, so that the engine knows no password that it could show."""
    engine = create_engine(
        "postgresql+pg8000://", creator=connect, pool_size=POOL, max_overflow=MORE, pool_timeout=PATIENCE_S
    )

    @event.listens_for(engine, "connect")
    def _settings(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        # A server may be told to call rows stored before they are on the disk; those of readers are not.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.commit()
        cursor.close()

    @event.listens_for(engine, "handle_error", retval=True)
    def _lost(context: ExceptionContext) -> BaseException | None:
        original = context.original_exception
        lost = isinstance(original, OSError)  # what the driver lets through
        if lost or (sqlstate_of(original) or "") in GONE:
            context.is_disconnect = True
        return OperationalError(context.statement, {}, original) if lost else None

    return engine


def _alive_and_of_this_version(connection: Any, _: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
    if not _versions(connection) <= known_revisions():
        raise StoreError(NEWER_MEANWHILE)


def _versions(connection: Any) -> set[str]:
    """What schema a database has now, of a connection that is alive.

    Raises:
        InvalidatePoolError: the connection is dead, and so are those made before it.
    """
    connection.autocommit = True  # what fails must leave no transaction behind
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT version_num FROM alembic_version")
        return {version for (version,) in cursor.fetchall()}
    except (pg8000.Error, OSError) as error:
        state = sqlstate_of(error)
        if state == NO_TABLE:
            return set()  # not migrated yet
        if state is None or state in GONE:
            raise InvalidatePoolError("the connection is dead") from error
        raise
    finally:
        connection.autocommit = False


def _check(connection: Connection) -> None:
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise StoreError(NOT_UTF8.format(encoding))
    here = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    tables = set(connection.execute(here).scalars())
    if not tables:
        return
    if not tables >= FIRST_TABLES:
        raise StoreError(OTHERS)
    versions = set(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    if not versions <= known_revisions():
        raise StoreError(NEWER)


def check_server_writable(connection: Connection) -> None:
    """Raises StoreError where the server is read-only, as a standby is."""
    if connection.execute(text("SHOW transaction_read_only")).scalar() == "on":
        raise StoreError(READ_ONLY)


def lock_writers(connection: Connection, timeout_ms: int | None = None) -> None:
    """From now to the end of the transaction nobody else writes who asks for the same, in any process.

    timeout_ms: how long it is waited for, if not as long as usual.
    """
    if timeout_ms is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {timeout_ms}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")
