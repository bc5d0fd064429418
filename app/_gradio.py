"""Makes gradio quick to load; set up before anything of the front end imports it.

For editors alone, gradio writes a stub file (.pyi) beside each of its components whenever it is imported: it
parses every component's source twice, which takes as long as all else of the import, and writes to the folder
that packages are installed in. Nothing that runs reads a stub.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

WRITER = "gradio.component_meta"
"""Module whose `create_or_modify_pyi` writes the stubs."""


class _Loader(SourceFileLoader):
    """Loads the module, and takes the writing of stubs out of it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        vars(module)["create_or_modify_pyi"] = _write_nothing


class _Finder(MetaPathFinder):
    """Finds that module where it is, for its own loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != WRITER:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


def _write_nothing(*_: object) -> None:
    """In the place of `create_or_modify_pyi`."""


def skip_stubs() -> None:
    """From here on, importing gradio writes no stubs."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
