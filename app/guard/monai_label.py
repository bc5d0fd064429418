"""The doors of the MONAI Label protocol, by which 3D Slicer and OHIF ask the model."""

from __future__ import annotations

import re

NAME = r"[^/]{1,400}"
DOORS = {
    "GET": re.compile(
        rf"/(?:info/?|auth/?|auth/token/valid|datastore/?|datastore/(?:image|label)"
        rf"|session/{NAME}|train/?|logs/?)"
    ),
    "POST": re.compile(rf"/(?:infer/{NAME}|session/?|auth/token|activelearning/{NAME}|train/(?:{NAME})?)"),
    "PUT": re.compile(r"/(?:session/?|datastore/?|datastore/label)"),
    "DELETE": re.compile(rf"/(?:session/{NAME}|datastore/?|train/?)"),
}
WITHOUT_SIGN_IN = frozenset({"/auth", "/auth/", "/auth/token"})
"""How a client learns that it has to sign in, and does."""
ASKS_FIRST = "OPTIONS"
"""What a browser sends before a page of another origin may ask (Fetch standard, CORS)."""


def is_open(method: str, path: str) -> bool:
    """Whether anything is behind a route of theirs."""
    return method in DOORS and DOORS[method].fullmatch(path) is not None


def is_theirs(path: str) -> bool:
    """Whether a path is the protocol's, whatever is done there."""
    return any(door.fullmatch(path) for door in DOORS.values())
