"""Which images an epoch draws, and in which batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from patchclip.errors import DataError
from trainer.config import DataConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import State


def sampling_weights(items: Sequence[Loaded], config: DataConfig) -> NDArray[np.float64]:
    """How likely each image is drawn: more if it has outlines, its rarest finding is rare, or its dataset is
    small; sums to 1."""
    counts = Counter(
        label for item in items for label, state in item.sample.states.items() if state is State.PRESENT
    )
    sources = Counter(item.sample.source for item in items)
    weights = np.array([(len(items) / sources[item.sample.source]) ** config.source_power for item in items])
    for row, item in enumerate(items):
        present = [label for label, state in item.sample.states.items() if state is State.PRESENT]
        rarest = min((counts[label] for label in present), default=len(items))
        weights[row] *= (
            min((len(items) / 4 / rarest) ** config.rare_power, 4.0) if rarest < len(items) / 4 else 1.0
        )
        if item.sample.shapes:
            weights[row] *= config.boxed_weight
    return np.asarray(weights / weights.sum(), np.float64)


class BalancedSampler(Sampler[list[tuple[int, int | None]]]):
    """Batches of (position, draw); a function of (seed, epoch) alone, so a resumed run draws what the
    interrupted one would have.

    With several processes, each takes its own slice of the same global batch, in `parts` equal parts.
    """

    def __init__(
        self,
        weights: NDArray[np.float64],
        samples: int,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        parts: int = 1,
        groups: NDArray[np.int64] | None = None,
        at_once: int = 1,
    ) -> None:
        """
        Args:
            weights: float64 [N], how likely each image is drawn; sums to 1.
            samples: images of an epoch.
            batch: images of a step, of all processes together.
            seed: of everything that is drawn.
            rank, world: of this process, and how many there are.
            parts: of a process's share of a step.
            groups: int [N], the shard of each image, -1 for one that is in none; images are then drawn as
                ever and read from `at_once` shards at a time.
            at_once: see there.

        Raises:
            DataError: the batch does not divide over processes and parts.
        """
        self.groups = None if groups is None or (groups < 0).all() else groups
        self.at_once = at_once
        if batch % (world * parts):
            raise DataError(
                f"The batch size {batch} does not divide over {world} processes in {parts} parts each; "
                f"choose a multiple of {world * parts}."
            )
        self.weights, self.batch, self.seed, self.rank, self.world, self.parts = (
            weights,
            batch,
            seed,
            rank,
            world,
            parts,
        )
        self.steps = max(1, samples // batch)
        self.epoch, self.start = 0, 0

    def seek(self, epoch: int, start: int) -> None:
        """The next iteration gives the batches of `epoch` from step `start` on."""
        self.epoch, self.start = epoch, start

    def __len__(self) -> int:
        """Batches that the next iteration gives: `parts` a step."""
        return (self.steps - self.start) * self.parts

    def __iter__(self) -> Iterator[list[tuple[int, int | None]]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        positions = _systematic(self.weights, self.steps * self.batch, rng)
        if self.groups is not None:
            positions = windowed(positions, self.groups, self.at_once, rng)
        draws = rng.integers(0, 2**62, size=len(positions))
        share = self.batch // self.world // self.parts
        for step in range(self.start, self.steps):
            for part in range(self.parts):
                first = step * self.batch + (self.rank * self.parts + part) * share
                yield [(int(positions[i]), int(draws[i])) for i in range(first, first + share)]


def windowed(
    positions: NDArray[np.int64], groups: NDArray[np.int64], at_once: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The same images in an order that needs few shards at a time: shards in random order, `at_once` of them
    mixed; those of no shard lie anywhere.

    positions: int [M], in random order; groups: int [N], as in `BalancedSampler`.
    """
    shards = np.unique(groups[groups >= 0])
    place = np.empty(int(groups.max()) + 1, np.int64)
    place[shards[rng.permutation(len(shards))]] = np.arange(len(shards)) // at_once
    windows = place[np.maximum(groups[positions], 0)]
    loose = groups[positions] < 0
    windows[loose] = rng.integers(0, windows.max() + 1, size=int(loose.sum()))
    return positions[np.argsort(windows, kind="stable")]


def _systematic(weights: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Systematic resampling: each image appears floor or ceil of its expected number of times, then all are
    shuffled."""
    points = (np.arange(count) + rng.random()) / count
    order = rng.permutation(len(weights))
    chosen = order[np.minimum(np.searchsorted(np.cumsum(weights[order]), points), len(weights) - 1)]
    return rng.permutation(chosen)
