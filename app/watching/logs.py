"""Logs as lines of JSON. What a foreign package says may name a file or a patient, so its words stay out."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

OURS = "app"
FIELDS = "watched"  # attribute of a record that holds its own fields


class JsonLines(logging.Formatter):
    """One object a line: time (UTC), level, logger, and of our own records message and fields.

    Of a foreign record, and of every error, there are kind and place alone.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name.split(".")[0] == OURS:
            told["message"] = record.getMessage()
            told |= getattr(record, FIELDS, {})
        else:
            told["place"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                told["error_place"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        return json.dumps(told, ensure_ascii=False)


def write_logs() -> None:
    """Sends every record to standard error as lines of JSON: our own from INFO, others' from WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)
