"""Sends a mail that staff may send to one account:
users.verbs.password_reset.verb.send_password_reset and send_verification.
"""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from users.bulk.account_locks import lock_permitted
from users.bulk.condition_action import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkForm
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.mail.models import Message
from users.models import State, in_state
from users.web.forms import OptionalReasonForm


class MailActionForm(BulkForm, OptionalReasonForm):
    version = None  # type: ignore[assignment]


class MailAction(ConditionAction):
    kind: ClassVar[Message.Kind]
    form: ClassVar[Any] = MailActionForm
    icon = "mail"

    def run(self, chunk: Chunk) -> None:
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        rows = self.eligible_rows(chunk, ids, timezone.now(), "email")
        own = self.message_fields(chunk.job)
        told = self.event_details(chunk.job)
        mails = [
            Message(account_id=pk, kind=self.kind, to=row["email"], is_bulk=True, **own)
            for pk, row in rows.items()
        ]
        Message.objects.bulk_create(mails, batch_size=2000)
        if mails:
            task_queue.enqueue_task("users.mail.tasks.deliver_outbox", cluster=task_queue.NOTIFY)
        record_changes(
            chunk,
            self.event,
            [
                ChangedAccount(pk, row["username"], row["version"], {}, {}, told)
                for pk, row in rows.items()
            ],
        )

    def message_fields(self, job: Job) -> dict[str, Any]:
        """Returns the fields of a message that this action adds."""
        return {}

    def event_details(self, job: Job) -> dict[str, Any]:
        """Returns the values that the event records."""
        return {}

    def undeliverable_skips(self, now: datetime) -> list[tuple[Q, str]]:
        closed = (State.SUSPENDED, State.ENDED)
        waiting = Message.objects.filter(
            account_id=OuterRef("pk"),
            kind=self.kind,
            state=Message.State.WAITING,
            to=OuterRef("email"),
        )
        return [
            *(
                (
                    in_state(each, now),
                    f"This account is {each.label.lower()}, so the link would not work.",
                )
                for each in closed
            ),
            (Q(Exists(waiting)), "This email is already queued."),
            (Q(email=""), "This account has no address."),
        ]
