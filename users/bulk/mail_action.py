"""The base class of bulk actions that send one email to each account, such as a password reset."""

from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from users.bulk.account_locks import lock_permitted
from users.bulk.condition_action import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkForm
from users.database.clock import database_now
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.jobs.queue import task_queue
from users.mail.models import Message
from users.models import State, in_state
from users.web.forms import OptionalReasonForm


class MailActionForm(BulkForm, OptionalReasonForm):
    version = None  # type: ignore[assignment]


class MailAction(ConditionAction):
    """A bulk action that puts a message of `kind` into the outbox for each account."""

    kind: ClassVar[Message.Kind]
    form: ClassVar[Any] = MailActionForm
    icon = "mail"

    def run(self, chunk: Chunk) -> None:
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        rows = self.eligible_rows(chunk, ids, timezone.now(), "email")
        fields = {"due_at": database_now()} | self.message_fields(chunk.job)
        messages = [
            Message(account_id=pk, kind=self.kind, to=row["email"], is_bulk=True, **fields)
            for pk, row in rows.items()
        ]
        Message.objects.bulk_create(messages, batch_size=2000)
        if messages:
            task_queue.enqueue_task("users.mail.tasks.deliver_outbox", cluster=task_queue.NOTIFY)
        details = self.event_details(chunk.job)
        changes = [ChangedAccount.without_image(row, after=details) for row in rows.values()]
        record_changes(chunk, self.event, changes)

    def message_fields(self, job: Job) -> dict[str, Any]:
        """Returns further fields of each message."""
        return {}

    def event_details(self, job: Job) -> dict[str, Any]:
        """Returns the `after` values of each event."""
        return {}

    def undeliverable_skips(self, now: datetime) -> list[tuple[Q, str]]:
        """Returns the skips of accounts to which a link can't be sent."""
        useless = [
            (
                in_state(state, now),
                f"This account is {state.label.lower()}, so the link would not work.",
            )
            for state in (State.SUSPENDED, State.ENDED)
        ]
        queued = Message.objects.filter(
            account_id=OuterRef("pk"),
            kind=self.kind,
            state=Message.State.WAITING,
            to=OuterRef("email"),
        )
        return [
            *useless,
            (Q(Exists(queued)), "This email is already queued."),
            (Q(email=""), "This account has no address."),
        ]
