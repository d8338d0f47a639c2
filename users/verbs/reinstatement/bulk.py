"""The bulk form of reinstate_account."""

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Case, Q, Value, When

from users.bulk.column_action import ColumnAction
from users.bulk.forms import BulkForm
from users.jobs.models import Job
from users.models import State
from users.verbs.reinstatement.page import ReinstatementForm
from users.verbs.reinstatement.verb import REINSTATEMENT_OBSTACLES


class BulkReinstatementForm(BulkForm, ReinstatementForm):
    notify = None  # type: ignore[assignment]


class Reinstate(ColumnAction):
    name = "reinstate"
    label = "Reinstate"
    action = "reinstate"
    event = "account.reinstated"
    obstacles = REINSTATEMENT_OBSTACLES
    slug = "reinstatement"
    position = 20
    outcome_phrase = "reinstated"
    icon = "reinstate"
    explanation = "The users can sign in again. Accounts that never had a password become invited."
    form = BulkReinstatementForm
    columns = ("status", "status_reason", "suspended_until")
    undo_ends_sessions = True
    undo_action = "suspend"

    def changes(self, job: Job, now: datetime) -> dict[str, Any]:
        never_used = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX, last_login__isnull=True)
        status = Case(When(never_used, then=Value(State.INVITED)), default=Value(State.ACTIVE))
        return {
            "status": status,
            "status_reason": "",
            "suspended_until": None,
        }
