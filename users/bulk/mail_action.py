"""The base class of bulk actions that send one email to each account, such as a password reset."""

from typing import Any, ClassVar

from users.bulk.account_locks import lock_permitted
from users.bulk.condition_action import ConditionAction
from users.bulk.events import ChangedAccount, record_changes
from users.bulk.forms import BulkReasonForm
from users.database.clock import current_time, database_now
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.jobs.tasks import enqueue_delivery
from users.mail.models import Message


class MailAction(ConditionAction):
    """A bulk action that puts a message of `kind` into the outbox for each account."""

    kind: ClassVar[Message.Kind]
    form: ClassVar[Any] = BulkReasonForm
    icon = "mail"

    def run(self, chunk: Chunk) -> None:
        ids = lock_permitted(chunk, self.action, can_disable_superusers=False)
        rows = self.eligible_rows(chunk, ids, current_time(), "email")
        fields = {"due_at": database_now()} | self.message_fields(chunk.job)
        messages = [
            Message(
                account_id=pk,
                kind=self.kind,
                to=row["email"],
                is_bulk=True,
                **fields,
            )
            for pk, row in rows.items()
        ]
        Message.objects.bulk_create(messages, batch_size=2000)
        if messages:
            enqueue_delivery()
        details = self.event_details(chunk.job)
        changes = [ChangedAccount.without_image(row, after=details) for row in rows.values()]
        record_changes(chunk, self.event, changes)

    def message_fields(self, job: Job) -> dict[str, Any]:
        """Returns further fields of each message."""
        return {}

    def event_details(self, job: Job) -> dict[str, Any]:
        """Returns the `after` values of each event."""
        return {}
