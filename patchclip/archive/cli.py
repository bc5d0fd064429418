"""The command receive."""

from __future__ import annotations

import argparse
import io
import json
import sys
import threading
from functools import partial
from typing import Any

from patchclip.archive.receiver import Receiver
from patchclip.engine_arguments import add_engine_arguments, engine_of
from patchclip.errors import PatchClipError
from patchclip.image import load_radiograph
from patchclip.image.isolation import shared_pool
from patchclip.image.synthetic import synthetic_dicom, synthetic_radiograph
from patchclip.predict import record_of


def add_receive_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip receive`."""
    parser.add_argument(
        "--query", action="append", required=True, metavar="TEXT", help="a question; repeat for several"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=11112, help="port to listen on (11112)")
    parser.add_argument(
        "--title", default="PATCHCLIP", help="application entity title that senders call (PATCHCLIP)"
    )
    parser.add_argument(
        "--sender",
        action="append",
        default=[],
        metavar="TITLE",
        help="who may send; repeat; anybody if not given",
    )
    parser.add_argument(
        "--films",
        type=int,
        default=0,
        metavar="N",
        help="stop after so many films (0: go on until interrupted)",
    )
    add_engine_arguments(parser)


def receive(options: argparse.Namespace) -> int:
    """Listens for pushed films and prints one JSON object for each; nothing of a film is kept.

    It listens once it has answered a drawn film, with everything that this loads: senders give up on a film
    after some seconds.
    """
    shared_pool().warm()  # it loads its libraries while the model is loaded
    engine = engine_of(options)
    record_of(engine, "drawn", partial(load_radiograph, _drawn(), isolated=True), options.query)
    lock, done = threading.Lock(), threading.Event()
    count = 0

    def take(content: bytes) -> None:
        nonlocal count
        with lock:
            record: dict[str, Any]
            try:
                record = record_of(
                    engine,
                    f"film {count + 1}",
                    partial(load_radiograph, content, isolated=True),
                    options.query,
                )
            except PatchClipError as error:
                record = {"image": f"film {count + 1}", "error": str(error)}
            count += 1
            print(json.dumps(record, ensure_ascii=False), flush=True)
            if count == options.films:
                done.set()
            if "error" in record:
                raise PatchClipError(record["error"])

    with Receiver(
        take, host=options.host, port=options.port, title=options.title, senders=tuple(options.sender)
    ) as receiver:
        print(f"listening as {options.title} on {options.host}:{receiver.port}", file=sys.stderr, flush=True)
        try:
            done.wait()
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
    return 0


def _drawn() -> bytes:
    """A DICOM file of a drawn chest."""
    file = io.BytesIO()
    synthetic_dicom(synthetic_radiograph(size=512).pixels).save_as(file)
    return file.getvalue()
