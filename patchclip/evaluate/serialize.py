"""Nested dataclasses to JSON and back, for `Report`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from patchclip.evaluate.bootstrap import Figure
from patchclip.evaluate.method import Method


@dataclass(frozen=True, slots=True)
class Beside:
    """Annotates a field whose members stand in JSON beside its siblings, without its own name around them.

    Attributes:
        names: regular expression that tells its members from others; those of a dataclass are its fields.
    """

    names: str = ".*"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: Any
    beside: Beside | None
    default: Any


@cache
def _fields(kind: type) -> tuple[_Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    layout: list[_Field] = []
    for item in fields(kind):
        hint = hints[item.name]
        beside = None
        if get_origin(hint) is Annotated:
            hint, beside = get_args(hint)
        layout.append(_Field(item.name, hint, beside, item.default))
    return tuple(layout)


def members(node: Any) -> Iterator[tuple[str, Any]]:
    """Name in JSON and value of each member of a dataclass or dictionary; an absent optional one has none."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield f"{key:g}" if isinstance(key, float) else str(key), value
        return
    kind: Any = type(node)
    for item in _fields(kind):
        value = getattr(node, item.name)
        if value is None and item.default is None:
            continue
        if item.beside:
            yield from members(value)
        else:
            yield item.name, value


def write(node: Any) -> Any:
    """A value as JSON has it: dictionaries, lists, numbers and text."""
    if isinstance(node, Figure):
        return node.to_json()
    if isinstance(node, list):
        return [write(item) for item in node]
    if isinstance(node, dict) or is_dataclass(node):
        return {name: write(value) for name, value in members(node)}
    return node


def read(kind: Any, node: Any) -> Any:
    """The value of type `kind` that `write` turned into `node`; a figure's replicates are lost."""
    if kind is Figure:
        return Figure.from_json(node)
    if isinstance(kind, type) and is_dataclass(kind):
        values = {item.name: _read_field(item, node) for item in _fields(kind)}
        return kind(**{name: value for name, value in values.items() if value is not MISSING})
    if type(None) in get_args(kind):
        return None if node is None else read(get_args(kind)[0], node)
    if get_origin(kind) is list:
        return [read(get_args(kind)[0], item) for item in node]
    if get_origin(kind) is dict:
        key_kind, value_kind = get_args(kind)
        to_key = Method.parse if key_kind is Method else key_kind
        return {to_key(key): read(value_kind, value) for key, value in node.items()}
    return node


def _read_field(item: _Field, node: dict[str, Any]) -> Any:
    """The value of one field of the dataclass that was written as `node`; MISSING where it was left out."""
    if not item.beside:
        return read(item.kind, node[item.name]) if item.name in node else MISSING
    optional = type(None) in get_args(item.kind)
    kind = get_args(item.kind)[0] if optional else item.kind
    if optional and not all(part.name in node for part in _fields(kind) if part.default is MISSING):
        return MISSING
    its_members = {name: value for name, value in node.items() if re.fullmatch(item.beside.names, name)}
    return read(kind, its_members)
