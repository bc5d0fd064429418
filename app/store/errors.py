"""The store's error, and what it says of a database that fails."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import IntegrityError, SQLAlchemyError, TimeoutError

from patchclip import PatchClipError

LOST = (
    "The feedback database was removed or replaced while the server was running, so nothing is saved; "
    "put it back, or restart the server with the one that is there now."
)
BUSY = "the database is busy; {again} in a moment"
FULL = "the disk is full; free some space, then {again}"
REASONS = {  # {again} is what to do once it is mended
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: "the disk is full or fails; free some space, then {again}",
    sqlite3.SQLITE_CANTOPEN: "the database or its folder cannot be opened; make it readable, then {again}",
    sqlite3.SQLITE_READONLY: "the database may not be written; make its file and folder writable, "
    "then {again}",
    sqlite3.SQLITE_CORRUPT: "the database is damaged; put a copy in its place and restart the server",
}
PASSWORD = "the database server refuses user or password; correct PATCHCLIP_DATABASE, then {again}"
SILENT = "the database server does not answer; see that it runs and can be reached, then {again}"
STATES = {  # of PostgreSQL (its manual, appendix A), by code or by class
    "08": SILENT,
    "22001": "a text is longer than the database takes; shorten it, then {again}",
    "22021": "a text holds a sign that cannot be stored, such as NUL; delete it, then {again}",
    "25006": "the database may not be written, for its server is read-only; make it writable, then {again}",
    "28": PASSWORD,
    "3D000": "the server has no database of that name; make it, or correct PATCHCLIP_DATABASE, then {again}",
    "40": BUSY,
    "42501": "the database's user may not do this; grant it what it lacks on the server, then {again}",
    "42P01": "the database has lost its tables; put a copy back and restart the server",
    "53100": FULL,
    "53": "the database server is at its limit; {again} in a moment",
    "55P03": BUSY,
    "57014": BUSY,
    "57P01": "the database server shuts down; {again} once it runs",
    "57P02": "the database server has failed and starts anew; {again} in a moment",
    "57P03": "the database server is starting or stopping; {again} in a moment",
    "58": "the disk of the database server is full or fails; see to it, then {again}",
}


class StoreError(PatchClipError):
    """Feedback could not be read or saved; nothing that the reader typed or drew is lost."""


def unsaved(
    error: SQLAlchemyError, what: str = "The feedback", again: str = "press Save again"
) -> StoreError:
    """What to say where a row could not be written.

    Args:
        error: of the database.
        what: could not be saved, as the subject of a sentence.
        again: what to do once the fault is mended.
    """
    reason = _reason(error)
    if reason is None:
        return StoreError(f"{what} could not be saved; check the database, then {again}.")
    return StoreError(f"{what} could not be saved: {reason.format(again=again)}.")


def unread(error: SQLAlchemyError, what: str = "The feedback") -> StoreError:
    """What to say where rows could not be read; `what`, as the subject of a sentence."""
    reason = _reason(error)
    if reason is None:
        return StoreError(f"{what} cannot be read; check the database and try again.")
    return StoreError(f"{what} cannot be read: {reason.format(again='try again')}.")


def unopened(error: SQLAlchemyError) -> StoreError:
    """What to say where a served database could not be opened or migrated."""
    reason = _reason(error) or "check PATCHCLIP_DATABASE and what the server's own log says, then {again}"
    return StoreError(
        f"The feedback database cannot be opened or migrated: {reason.format(again='start again')}."
    )


def _reason(error: SQLAlchemyError) -> str | None:
    if isinstance(error, TimeoutError):  # of the pool of connections
        return BUSY
    original = getattr(error, "orig", None)
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return REASONS.get(code & 0xFF)  # the lower byte is the primary result code (sqlite.org/rescode.html)
    state = sqlstate_of(original)
    if state is not None:
        return STATES.get(state) or STATES.get(state[:2])
    if type(original).__name__ == "InterfaceError":
        return PASSWORD if "password" in str(original) else SILENT
    return SILENT if isinstance(original, OSError) else None


def sqlstate_of(error: BaseException | None) -> str | None:
    """PostgreSQL's code of what went wrong; None of every other error."""
    told = error.args[0] if error is not None and error.args else None
    return told.get("C") if isinstance(told, dict) else None


def broken_rule(error: IntegrityError) -> str:
    """What a row would have broken: in PostgreSQL the constraint's or index's name, in SQLite its columns."""
    told = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    return str(told.get("n", "")) if isinstance(told, dict) else str(told)
