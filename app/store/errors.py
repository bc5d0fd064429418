"""The store's error, and what it says of a database that fails."""

import sqlite3

from sqlalchemy.exc import SQLAlchemyError

from patchclip import PatchClipError

LOST = (
    "The feedback database was removed or replaced while the server was running, so nothing is saved; "
    "put it back and restart the server."
)
UNREADABLE = "The feedback cannot be read; check the database file and try again."
REASONS = {
    sqlite3.SQLITE_BUSY: "The feedback could not be saved: the database is busy; "
    "press Save again in a moment.",
    sqlite3.SQLITE_FULL: "The feedback could not be saved: the disk is full; free some space, "
    "then press Save again.",
    sqlite3.SQLITE_IOERR: "The feedback could not be saved: the disk is full or fails; free some space, "
    "then press Save again.",
    sqlite3.SQLITE_READONLY: "The feedback could not be saved: the database may not be written; "
    "make its file and folder writable, then press Save again.",
    sqlite3.SQLITE_CORRUPT: "The feedback could not be saved: the database is damaged; "
    "put a copy in its place and restart the server.",
}
UNSAVED = "The feedback could not be saved; check the database file, then press Save again."


class StoreError(PatchClipError):
    """Feedback could not be read or saved; nothing that the reader typed or drew is lost."""


def unsaved(error: SQLAlchemyError) -> StoreError:
    """What to say where a row could not be written."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    # The lower byte is the primary result code (sqlite.org/rescode.html).
    return StoreError(UNSAVED if code is None else REASONS.get(code & 0xFF, UNSAVED))
