"""The bulk form of delete_account."""

from datetime import datetime
from typing import Any

from django.db.models import F
from django.db.models.functions import JSONObject

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.bulk.json_functions import TimeToJson
from users.jobs.models import Job
from users.models import State
from users.verbs.deletion.page import DeletionForm
from users.verbs.deletion.verb import DELETION_OBSTACLES


class BulkDeletionForm(BulkForm, DeletionForm):
    """The form of the verb, for many accounts."""


class Delete(ColumnAction):
    name = "delete"
    label = "Delete"
    action = "delete"
    event = "account.deleted"
    obstacles = DELETION_OBSTACLES
    slug = "deletion"
    position = 160
    outcome_phrase = "deleted"
    icon = "delete"
    dangerous = True
    in_last_section = True
    explanation = (
        "The accounts move to the recycle bin. No one can sign in to them, and their sessions end."
    )
    form = BulkDeletionForm
    columns = ("status", "status_reason", "suspended_until", "deleted_at", "before_deletion")
    can_disable_superusers = True
    ends_sessions = True
    undo_ends_sessions = True
    undo_action = "restore"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        state_before = JSONObject(
            status=F("status"),
            status_reason=F("status_reason"),
            suspended_until=TimeToJson("suspended_until"),
        )
        return {
            "status": State.DELETED,
            "status_reason": job.reason,
            "suspended_until": None,
            "deleted_at": now,
            "before_deletion": state_before,
        }
