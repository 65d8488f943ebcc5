"""How the log looks: lines for people, or one JSON object a line. No message passes for a line of its own."""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

# Of the request that runs now; empty outside of one.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
LogFormat = Literal["human", "json"]
# What a terminal may act on. The only line end that stays is "\n", and what follows it is indented.
CONTROL = {code: f"\\x{code:02x}" for code in (*range(10), *range(11, 32), *range(127, 160))} | {
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


class HumanFormatter(logging.Formatter):
    """Time, level, sentence, and the request's id where there is one; a traceback below, indented."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        text = record.getMessage()
        if request_id := REQUEST_ID.get():
            text += f" [{request_id[:8]}]"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return f"{moment} {record.levelname.lower():7} " + text.translate(CONTROL).replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One object: time, level, logger, message, request_id, what a line adds as fields, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            entry["request_id"] = request_id
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def log_config(log_format: LogFormat) -> dict[str, Any]:
    """For logging.config.dictConfig: everything goes to stderr, ours and uvicorn's alike."""
    formatter = JsonFormatter if log_format == "json" else HumanFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"chosen": {"()": formatter}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "chosen", "stream": "ext://sys.stderr"}
        },
        "loggers": {name: {"handlers": ["stderr"], "level": "INFO"} for name in ("server", "uvicorn")},
    }
