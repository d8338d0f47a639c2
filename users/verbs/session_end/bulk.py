"""The bulk form of end_sessions. Accounts keep their version, and there is no undo."""

from datetime import datetime

from django import forms
from django.db.models import Count, F, Q

from users.bulk.account_locks import lock_permitted, plain_accounts
from users.bulk.condition_action import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkReasonForm
from users.database.clock import current_time
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.sessions import store
from users.sessions.models import Session
from users.verbs.session_end.verb import NO_SESSION

OWN_SESSIONS = "Your own sessions stay open, so that you can follow the job."


class EndSessionsForm(BulkReasonForm):
    include_own = forms.BooleanField(
        required=False,
        label="Include my own sessions",
        help_text="If your account is in the selection, you will be signed out too.",
    )


class EndSessions(ConditionAction):
    name = "end-sessions"
    label = "End all sessions"
    action = "end_sessions"
    event = "account.sessions_ended"
    obstacles = (NO_SESSION,)
    question_format = "End all sessions of {}?"
    slug = "sessions-end"
    position = 130
    outcome_phrase = "signed out"
    icon = "leave"
    menu = "Sign-in"
    explanation = "Everyone must sign in again. The accounts are not changed."
    form = EndSessionsForm
    ends_sessions = True

    def skips(self, job: Job, now: datetime) -> list[tuple[Q, str]]:
        skips = super().skips(job, now)
        if not job.parameters.get("include_own"):
            skips.append((Q(pk=job.by_id), OWN_SESSIONS))
        return skips

    def run(self, chunk: Chunk) -> None:
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        rows = self.eligible_rows(chunk, ids, current_time())
        sessions = Session.objects.filter(account_id__among=list(rows))
        counts = dict(sessions.values_list("account_id").annotate(n=Count("pk")).order_by())
        plain_accounts().filter(pk__among=list(rows)).update(session_epoch=F("session_epoch") + 1)
        store.delete_sessions_of(list(rows), ended_by=chunk.job.by_id or 0)
        changes = [
            ChangedAccount.without_image(
                row,
                before={"sessions": counts.get(pk, 0)},
                after={"sessions": 0},
            )
            for pk, row in rows.items()
        ]
        record_changes(chunk, self.event, changes)
