"""The engine that answers from now on."""

from __future__ import annotations

from patchclip import Engine


class InUse:
    """Holds it for all parts of a server; what was begun with another engine goes on with that one.

    engine: the first one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def engine(self) -> Engine:
        """As it is now; whoever answers takes it once, for two looks may give two engines."""
        return self._engine

    def exchange(self, engine: Engine) -> None:
        """From now on another one answers."""
        self._engine = engine
