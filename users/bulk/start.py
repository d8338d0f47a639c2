"""From a selection that was looked at to a job, for pages and for the shell."""

from typing import Any

from users.bulk.action import BulkAction
from users.bulk.selection import Selection
from users.bulk.selection_count import SelectionCount
from users.jobs import engine
from users.jobs.models import Job


def start_bulk_job(
    action: BulkAction,
    selection: Selection,
    number: SelectionCount,
    *,
    by: Any,
    reason: str,
    parameters: dict[str, Any],
    key: str = "",
) -> Job:
    """Queued, or waiting for approval. Raises access.Denied or engine.Refused."""
    return engine.start_job(
        action.name,
        by=by,
        selection=selection.query,
        words=selection.words,
        up_to=selection.up_to or max(selection.ids),
        as_of=selection.at,
        expected=number.value if number.exact else None,
        reason=reason,
        parameters=parameters,
        key=key,
    )
