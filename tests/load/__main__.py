"""python -m tests.load [--readers N] [--browsers N] [--minutes M] [--out FILE]: a soak; 1 if it fails."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.load.soak import SoakPlan, soak, table


def main() -> int:
    """Runs it, prints its record as a table, and says what is amiss."""
    plan = SoakPlan()
    parser = argparse.ArgumentParser(prog="python -m tests.load", description="Many readers at one server.")
    parser.add_argument("--readers", type=int, default=plan.readers, help=f"at once ({plan.readers})")
    parser.add_argument("--minutes", type=float, default=plan.minutes, help=f"how long ({plan.minutes:g})")
    parser.add_argument(
        "--pause", type=float, default=plan.pause_s, help=f"seconds between two requests ({plan.pause_s:g})"
    )
    parser.add_argument(
        "--browsers",
        type=int,
        default=plan.browsers,
        help=f"more readers, with a real one each ({plan.browsers})",
    )
    parser.add_argument("--out", type=Path, help="file for the record as JSON")
    options = parser.parse_args()
    chosen = SoakPlan(options.readers, options.minutes, options.pause, browsers=options.browsers)
    with tempfile.TemporaryDirectory(prefix="patch-clip-soak-") as folder:
        result = soak(chosen, Path(folder))
    if options.out:
        options.out.write_text(json.dumps(result.record, indent=1) + "\n", encoding="utf-8")
    print(table(result.record), end="")
    for failure in result.failures:
        print(f"amiss: {failure}", file=sys.stderr)
    return 1 if result.failures else 0


if __name__ == "__main__":
    sys.exit(main())
