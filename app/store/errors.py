"""The store's error, and what it says of a database that fails."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from patchclip import PatchClipError

LOST = (
    "The feedback database was removed or replaced while the server was running, so nothing is saved; "
    "put it back, or restart the server with the one that is there now."
)
UNREADABLE = "The feedback cannot be read; check the database file and try again."
REASONS = {  # {again} is what to do once it is mended
    sqlite3.SQLITE_BUSY: "the database is busy; {again} in a moment",
    sqlite3.SQLITE_FULL: "the disk is full; free some space, then {again}",
    sqlite3.SQLITE_IOERR: "the disk is full or fails; free some space, then {again}",
    sqlite3.SQLITE_CANTOPEN: "the database or its folder cannot be opened; make it readable, then {again}",
    sqlite3.SQLITE_READONLY: "the database may not be written; make its file and folder writable, "
    "then {again}",
    sqlite3.SQLITE_CORRUPT: "the database is damaged; put a copy in its place and restart the server",
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
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    # The lower byte is the primary result code (sqlite.org/rescode.html).
    reason = None if code is None else REASONS.get(code & 0xFF)
    if reason is None:
        return StoreError(f"{what} could not be saved; check the database file, then {again}.")
    return StoreError(f"{what} could not be saved: {reason.format(again=again)}.")
