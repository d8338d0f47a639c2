"""Ends sessions: what users.verbs.session_end.verb.end_sessions does to one account. The version stays, and
nothing is taken back.
"""

from datetime import datetime

from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from users.bulk.eligibility import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkForm
from users.bulk.lock import lock_admitted, plain_accounts
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.sessions import store
from users.sessions.models import Session
from users.web.forms import OptionalReasonForm


class EndSessionsForm(BulkForm, OptionalReasonForm):
    version = None  # type: ignore[assignment]


class EndSessions(ConditionAction):
    name = "end-sessions"
    label = "End all sessions"
    action = "end_sessions"
    event = "account.sessions_ended"
    asks = "End all sessions of {}?"
    noun = "sessions-end"
    position = 130
    past = "signed out"
    icon = "leave"
    menu = "Sign-in"
    explains = "Everyone must sign in again. The accounts are not changed."
    form = EndSessionsForm
    ends_sessions = True

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        return [
            (
                ~Q(Exists(Session.objects.filter(account_id=OuterRef("pk")))),
                "There are no active sessions to end.",
            )
        ]

    def run(self, chunk: Chunk) -> None:
        ids = lock_admitted(chunk, self.action, takes_keys=False)
        rows = self.sorted_out(chunk, ids, timezone.now())
        theirs = Session.objects.filter(account_id__among=list(rows))
        numbers = dict(theirs.values_list("account_id").annotate(n=Count("pk")).order_by())
        plain_accounts().filter(pk__among=list(rows)).update(session_epoch=F("session_epoch") + 1)
        store.delete_sessions_of(list(rows))
        record_changes(
            chunk,
            self.event,
            [
                ChangedAccount(
                    pk,
                    row["username"],
                    row["version"],
                    {},
                    {"sessions": numbers.get(pk, 0)},
                    {"sessions": 0},
                )
                for pk, row in rows.items()
            ],
        )
