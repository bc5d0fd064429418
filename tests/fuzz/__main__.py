"""python -m tests.fuzz --cases 10000: reads so many damaged files; exit status 1 unless all is well."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from tests.fuzz.mutate import mutated
from tests.fuzz.run import run
from tests.fuzz.seeds import seeds


def main() -> int:
    """Runs the cases, or writes one of them to a file."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="files to read (300)")
    parser.add_argument("--first", type=int, default=0, help="number of the first (0)")
    parser.add_argument("--seed", type=int, default=0, help="of all random choices (0)")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the first case there, read none")
    options = parser.parse_args()
    corpus = list(seeds().values())
    if options.write:
        options.write.write_bytes(mutated(corpus, options.first, options.seed))
        return 0
    started = time.monotonic()
    numbers = range(options.first, options.first + options.cases)
    report = run(numbers, lambda number: mutated(corpus, number, options.seed), options.workers)
    print(f"seed {options.seed}, {len(corpus)} seeds, {time.monotonic() - started:.0f} s\n{report}")
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
