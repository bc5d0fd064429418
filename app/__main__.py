"""Serves the front end: python -m app [--port N] [--checkpoint DIR] [--database FILE]."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from pydantic import ValidationError

from app.service import Service, prepare_environment
from app.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Migrates the database, loads the model, serves until interrupted; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m app", description="Patch-CLIP's front end. Research use only, not for clinical use."
    )
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (7860)")
    parser.add_argument("--database", type=Path, help="SQLite file that holds the feedback")
    parser.add_argument("--checkpoint", type=Path, help="checkpoint folder; the bundled one by default")
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problem = error.errors()[0]
        print(
            f"error: The setting {'.'.join(str(part) for part in problem['loc'])} is not valid ({problem['msg']}).",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory(prefix="patch-clip-") as uploads:
        return _serve(settings, Path(uploads))


def _serve(settings: Settings, uploads: Path) -> int:
    prepare_environment(uploads)
    from app.store import FeedbackRepository, migrate, open_database
    from app.ui import build, style
    from patchclip import Engine, PatchClipError

    try:
        database = open_database(settings.database)
        migrate(database)
        engine = Engine.from_pretrained(settings.checkpoint)
    except PatchClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    Thread(target=engine.prepare, daemon=True).start()  # meanwhile the reader opens a file
    service = Service(engine, FeedbackRepository(database), uploads, studies_each=settings.open_studies)
    print(
        f"Patch-CLIP on http://{settings.host}:{settings.port} (research use only, not for clinical use)",
        flush=True,
    )
    try:
        build(service, settings.upload_limit_mb).queue(max_size=32).launch(
            server_name=settings.host,
            server_port=settings.port,
            max_file_size=f"{settings.upload_limit_mb}mb",
            allowed_paths=[],
            blocked_paths=[str(settings.database.resolve().parent)],
            run_history=False,
            footer_links=[],
            share=False,
            ssr_mode=False,
            enable_monitoring=False,
            quiet=True,
            css=style(),
        )
    except OSError as error:
        print(
            f"error: Port {settings.port} cannot be used ({error}); choose another with --port.",
            file=sys.stderr,
        )
        return 1
    finally:
        database.dispose()
    return 0


if __name__ == "__main__":
    sys.exit(main())
