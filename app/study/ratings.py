"""Ratings of a study in the long form of software for multi-reader analysis: one row per rating."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from patchclip.data.tables import Row, clipped, numbers, read_table
from patchclip.errors import DataError
from patchclip.evaluate.mrmc import Ratings

COLUMNS = ("reader", "case", "truth", "rating")
ARMS = ("treatment", "arm")
"""Either name of the column that says under which condition a case was read."""


def read_ratings(path: Path) -> Ratings:
    """A table `reader, treatment (or arm), case, truth (0 or 1), rating`: every case, by all, in every arm.

    Raises:
        DataError: a column is missing, a cell is not what it should be, a case has two truths, a rating
            stands twice or is missing, or there are too few cases; names the file and the row.
    """
    table = read_table(path, COLUMNS)
    arm_column = next((name for name in ARMS if name in table.columns), None)
    if arm_column is None:
        raise DataError(f"{path} has no column treatment or arm; name under which condition a case was read.")

    truths: dict[str, bool] = {}
    values: dict[tuple[str, str, str], float] = {}
    for row in table.rows:
        where = f"{path}, row {row.number}"
        reader, arm, case = (_named(row, column, where) for column in ("reader", arm_column, "case"))
        (rating,) = numbers(row.cells, ["rating"], where)
        if truths.setdefault(case, _truth(row, where)) != _truth(row, where):
            raise DataError(f'{where}: case "{clipped(case)}" has another truth than before; correct one.')
        if (arm, reader, case) in values:
            raise DataError(
                f'{where}: reader "{clipped(reader)}" has rated case "{clipped(case)}" in arm '
                f'"{clipped(arm)}" before; leave one rating of them.'
            )
        values[arm, reader, case] = rating

    if not values:
        raise DataError(f"{path} has no rating; write one row for each.")
    arms, readers, cases = (tuple(dict.fromkeys(key[place] for key in values)) for place in range(3))
    for arm in arms:
        for reader in readers:
            for case in cases:
                if (arm, reader, case) not in values:
                    raise DataError(
                        f'{path}: reader "{clipped(reader)}" has no rating of case "{clipped(case)}" in arm '
                        f'"{clipped(arm)}"; the analysis needs all cases of all readers in all arms.'
                    )
    return Ratings(
        values=np.array(
            [[[values[arm, reader, case] for case in cases] for reader in readers] for arm in arms]
        ),
        diseased=np.array([truths[case] for case in cases]),
        arms=arms,
        readers=readers,
    )


def _named(row: Row, column: str, where: str) -> str:
    name = row.cells[column]
    if not name:
        raise DataError(f"{where}: {column} is empty; fill it in.")
    return name


def _truth(row: Row, where: str) -> bool:
    (value,) = numbers(row.cells, ["truth"], where)
    if value not in (0, 1):
        raise DataError(f"{where}: truth must be 0 (normal) or 1 (diseased), and is {value:g}.")
    return value == 1
