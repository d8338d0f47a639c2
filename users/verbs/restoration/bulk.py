"""The bulk form of restore_account."""

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Case, Q, Value, When
from django.db.models.functions import Coalesce

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkReasonForm
from users.bulk.json_functions import JsonText, TimeFromJson
from users.jobs.models import Job
from users.models import State
from users.verbs.restoration.verb import RESTORATION_OBSTACLES


class Restore(ColumnAction):
    name = "restore"
    label = "Restore"
    action = "restore"
    event = "account.restored"
    obstacles = RESTORATION_OBSTACLES
    slug = "restoration"
    position = 150
    outcome_phrase = "restored"
    icon = "reinstate"
    explanation = (
        "The accounts get back the status they had before: a suspended account is suspended again."
    )
    form = BulkReasonForm
    columns = ("status", "status_reason", "suspended_until", "deleted_at", "before_deletion")
    undo_ends_sessions = True
    undo_action = "delete"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        """Restores the status before the deletion. An account that was imported as deleted has
        none and gets the status of a new account.
        """
        never_used = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login__isnull=True)
        new_status = Case(When(never_used, then=Value(State.INVITED)), default=Value(State.ACTIVE))
        return {
            "status": Coalesce(JsonText("before_deletion", "status"), new_status),
            "status_reason": Coalesce(JsonText("before_deletion", "status_reason"), Value("")),
            "suspended_until": TimeFromJson(JsonText("before_deletion", "suspended_until")),
            "deleted_at": None,
            "before_deletion": None,
        }
