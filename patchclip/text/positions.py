"""What stands at some of a sentence's tokens."""

from __future__ import annotations


class Positioned:
    """Something that is read in words, whose `positions` among the sentence's tokens ascend."""

    __slots__ = ()
    positions: tuple[int, ...]

    @property
    def start(self) -> int:
        """Position of the first word."""
        return self.positions[0]

    @property
    def stop(self) -> int:
        """One past the last word."""
        return self.positions[-1] + 1
