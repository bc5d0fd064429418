"""Recipes as they are written: JSON files of differences, changes by flags, and what is wrong with them in a
sentence."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchclip.errors import DataError

RECIPES = Path(__file__).parent / "recipes"
DEFAULT = RECIPES / "default.json"
_KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "a text",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class RecipeField:
    """One field of a recipe.

    Attributes:
        section: that it stands in; "" for one that stands alone.
        name: within the section.
        kind: of its value, in words.
        description: what it does.
        default: its value where a recipe does not name it, in JSON types.
    """

    section: str
    name: str
    kind: str
    description: str
    default: Any

    @property
    def path(self) -> str:
        """As `--set` takes it."""
        return f"{self.section}.{self.name}" if self.section else self.name


def fields_of(schema: dict[str, Any], defaults: dict[str, Any]) -> list[RecipeField]:
    """All fields from a recipe's JSON schema, whose sections are references, and its default values."""
    fields: list[RecipeField] = []

    def add(section: str, name: str, values: dict[str, Any], field: dict[str, Any]) -> None:
        description = " ".join(field.get("description", "").split())
        fields.append(RecipeField(section, name, _kind(field), description, values[name]))

    for name, field in schema["properties"].items():
        if "$ref" not in field:
            add("", name, defaults, field)
            continue
        section = schema["$defs"][field["$ref"].rpartition("/")[2]]
        for inner, inner_field in section["properties"].items():
            add(name, inner, defaults[name], inner_field)
    return fields


def _kind(schema: dict[str, Any]) -> str:
    """A JSON schema of a value in words."""
    if "anyOf" in schema:
        return " or ".join(_kind(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return f"one of {', '.join(json.dumps(choice) for choice in schema['enum'])}"
    if "prefixItems" in schema:
        return f"a list of {len(schema['prefixItems'])} {_plural(schema['prefixItems'][0])}"
    if "items" in schema:
        return f"a list of {_plural(schema['items'])}"
    if "additionalProperties" in schema:
        return f"an object whose every value is {_kind(schema['additionalProperties'])}"
    return _KINDS[schema["type"]]


def _plural(schema: dict[str, Any]) -> str:
    return f"{_kind(schema).removeprefix('a ')}s"


def help_text(fields: Sequence[RecipeField], width: int = 78) -> str:
    """Every field with its default and what it does, for `--help`."""
    lines = ["fields of a recipe, each with its value in the default one:"]
    for field in fields:
        lines.append(f"  {field.path}={json.dumps(field.default)}")
        lines += textwrap.wrap(field.description, width, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join(lines)


def find_recipe(name: str | Path, beside: Path = Path()) -> Path:
    """The file of a recipe: a path, seen from the folder `beside`, or the name of one that is shipped.

    Raises:
        DataError: there is neither.
    """
    for path in (beside / name, RECIPES / f"{name}.json"):
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in RECIPES.glob("*.json")))
    raise DataError(f"There is no recipe {name}; give the path of one, or the name of one of {shipped}.")


def read_recipe(path: Path, children: Sequence[Path] = ()) -> dict[str, Any]:
    """A recipe on top of what it extends, unchecked but for being JSON objects; what none of them names is
    default.

    Args:
        path: JSON file; its "extends" names another, see `find_recipe`.
        children: those that led here.

    Raises:
        DataError: a recipe is missing, unreadable, no JSON object, or extends itself in the end.
    """
    values = _read(path)
    parent = values.pop("extends", None)
    if parent is None:
        return values
    if not isinstance(parent, str):
        raise DataError(
            f"The recipe {path} extends {json.dumps(parent)}; it must be the name or path of a recipe."
        )
    file = find_recipe(parent, path.parent)
    if file.resolve() in (*children, path.resolve()):
        raise DataError(f'The recipe {path} extends {file}, which extends it; take one "extends" out.')
    return merged(read_recipe(file, (*children, path.resolve())), values)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with the fields of `changes`; a section changes by field, any other value as a whole."""
    result = dict(base)
    for name, value in changes.items():
        before = base.get(name)
        result[name] = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
    return result


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"There is no file {path}; give the path of a recipe such as trainer/recipes/default.json."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"The recipe {path} is not a text file; give the path of a JSON file.") from error
    except json.JSONDecodeError as error:
        raise DataError(f"The recipe {path} is not valid JSON (line {error.lineno}); correct it.") from error
    if not isinstance(values, dict):
        raise DataError(f"The recipe {path} is no JSON object; see trainer/recipes/twin.json for its shape.")
    return values


def changed(recipe: dict[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """The recipe with changes of the form SECTION.FIELD=JSON.

    Raises:
        DataError: a change is not of this form, or names a field in what is no section.
    """
    result = recipe
    for change in changes:
        path, _, text = change.partition("=")
        section, _, name = path.rpartition(".")
        try:
            value = json.loads(text)
        except ValueError as error:
            raise DataError(
                f'"--set {change}" is not SECTION.FIELD=JSON; write, for example, --set optim.batch_size=8.'
            ) from error
        if section and not isinstance(result.get(section, {}), dict):
            raise DataError(
                f'The recipe\'s "{section}" has no fields, so "--set {change}" cannot set one; correct it.'
            )
        result = merged(
            result, {section: {**result.get(section, {}), name: value}} if section else {name: value}
        )
    return result


def sentence(place: tuple[int | str, ...], values: dict[str, Any], fields: Sequence[RecipeField]) -> str:
    """What is wrong at a place of a recipe that does not fit its fields.

    Args:
        place: keys and positions from the outermost object on.
        values: the recipe.
        fields: that a recipe has.
    """
    section = str(place[0])
    inner = [field.name for field in fields if field.section == section]
    alone = {field.name: field for field in fields if not field.section}
    if not inner and section not in alone:
        names = ", ".join(dict.fromkeys(field.section or field.name for field in fields))
        return f'The recipe has an unknown section "{section}"; its sections and fields are {names}.'
    if inner and len(place) == 1:
        value = json.dumps(values[section])
        return f'The recipe\'s section "{section}" is {value}; it must be an object with fields.'
    if not inner:
        return f"The recipe's {section} is {json.dumps(values[section])}; it must be {alone[section].kind}."
    name = str(place[1])
    if name not in inner:
        return (
            f'The recipe\'s section "{section}" has a field that does not exist ({name}); correct or remove '
            "it. Its "
            f"fields are {', '.join(inner)}."
        )
    kind = next(field.kind for field in fields if (field.section, field.name) == (section, name))
    return f"The recipe's {section}.{name} is {json.dumps(values[section][name])}; it must be {kind}."
