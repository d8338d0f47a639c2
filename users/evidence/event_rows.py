"""The rows of files with audit events: one line of CSV or of JSON for each event."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from users.audit.labels import action_label, hex_text
from users.audit.models import AuditEvent
from users.database.clock import utc_text
from users.transfer.exports.formatting import csv_line, json_line_writer

Read = Callable[[AuditEvent], Any]


def session_text(session_id: object) -> str | None:
    """Returns the ID of a session, which may be masked; None without one."""
    return None if session_id is None else str(session_id)


EVENT_COLUMNS: dict[str, Read] = {
    "id": lambda event: event.pk,
    "at": lambda event: utc_text(event.at),
    "action": lambda event: event.action,
    "label": action_label,
    "actor_id": lambda event: event.actor_id,
    "actor": lambda event: event.actor_text,
    "target_id": lambda event: event.target_id,
    "target": lambda event: event.target_text,
    "target_version": lambda event: event.target_version,
    "before": lambda event: event.before,
    "after": lambda event: event.after,
    "reason": lambda event: event.reason,
    "ticket": lambda event: event.ticket,
    "ip": lambda event: event.ip,
    "user_agent": lambda event: event.user_agent,
    "request_id": lambda event: event.request_id,
    "session_id": lambda event: session_text(event.session_id),
    "job_id": lambda event: event.job_id,
    "erased_at": lambda event: utc_text(event.erased_at) or "",
    "chain_position": lambda event: event.chain_position,
    "chain_hash": lambda event: hex_text(event.chain_hash),
}
EVENT_HEADINGS = list(EVENT_COLUMNS)


def event_lines(events: Iterable[AuditEvent], file_format: str) -> Iterator[tuple[int, bytes]]:
    """Yields the ID of each event with its line. The caller has masked the events."""
    write = csv_event if file_format == "csv" else json_line_writer(EVENT_HEADINGS)
    for event in events:
        values = [read(event) for read in EVENT_COLUMNS.values()]
        yield event.pk, write(values).encode()


def csv_event(values: list[Any]) -> str:
    """Returns one line of CSV, in which values that are JSON are texts."""
    return csv_line([flat_value(value) for value in values])


def flat_value(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
