"""The audit event, a row that is written once and never changed, and the head of the hash chain
that proves this.
"""

from typing import Any

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from users.audit.former_values import record_former_values
from users.database.cached_insert import CachedInsert

DENIED = "denied"


class AuditEventQuerySet(models.QuerySet):
    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Stores events and the values that they replace."""
        events = super().bulk_create(objs, *args, **kwargs)
        record_former_values(events)
        return events

    def newest_of(self, column: str, value: Any) -> "AuditEventQuerySet":
        """Returns the events whose `column` is `value`, newest first, as a range of that column's
        index.

        PostgreSQL gets a range and the full order of the index. With "=", it may read the table
        backwards by id, which takes long if all matching events are old. SQLite uses the index
        only with "=".
        """
        if connection.vendor == "postgresql":
            return self.filter(**{f"{column}__range": (value, value)}).order_by(column, "-id")
        return self.filter(**{column: value}).order_by("-id")

    def newest_id(self) -> int:
        """Returns the ID of the newest event; later ones have higher IDs. 0 without any event."""
        return next(iter(self.order_by("-pk").values_list("pk", flat=True)[:1]), 0)

    def oldest_of(self, column: str, value: Any) -> "AuditEventQuerySet":
        """Returns the events of `newest_of` in reverse, oldest first."""
        return self.newest_of(column, value).reverse()

    def history_of(self, account_id: int) -> "AuditEventQuerySet":
        """Returns the events about an account without refused attempts, newest first, as a range of
        an index: anybody can cause as many of those as they like.
        """
        return self.newest_of("target_id", account_id).exclude(action=DENIED)


class UnindexedColumn(models.Func):
    """A column of which SQLite uses no index."""

    template = "+%(expressions)s"
    arity = 1


class AuditEvent(models.Model):
    """An entry of the audit trail: an action, its actor and its target. A trigger keeps the table
    append-only and allows three changes: the empty chain columns are filled once, a sealed event
    loses the values of an erased account (or the words that name it) with their salt, and pruning
    removes the oldest events.

    Actor and target are kept as id and text without a foreign key, so that events outlive them.
    `before` and `after` hold only the fields that changed.
    """

    at = models.DateTimeField(default=timezone.now)
    actor_id = models.BigIntegerField(null=True)
    actor_text = models.CharField(max_length=255)
    action = models.CharField(max_length=64)
    target_id = models.BigIntegerField(null=True)
    target_text = models.CharField(max_length=255, blank=True)
    target_version = models.PositiveIntegerField(
        null=True, help_text="Version of the account after the change"
    )
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    ticket = models.CharField(max_length=100, blank=True)
    ip = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    session_id = models.UUIDField(
        null=True, help_text="Public ID of the session in which the actor was signed in"
    )
    job_id = models.BigIntegerField(null=True)

    # The chain (users/audit/chain.py). A sealing task fills these in order; until then they are
    # null.
    chain_position = models.BigIntegerField(null=True, unique=True)
    chain_salt = models.BinaryField(max_length=32, null=True)
    chain_previous = models.BinaryField(max_length=32, null=True)
    chain_hash = models.BinaryField(max_length=32, null=True)

    # The digests of the target's and the actor's values, once these have been erased or redacted.
    # Null until then.
    target_digest = models.BinaryField(max_length=32, null=True)
    actor_digest = models.BinaryField(max_length=32, null=True)
    erased_at = models.DateTimeField(null=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            # "Newest first" means by id, since ids follow the order of writing.
            models.Index(fields=["target_id", "-id"], name="audit_by_target"),
            # The history of an account leaves refused attempts out, and counts them apart.
            models.Index(
                fields=["target_id", "-id"],
                name="audit_history_by_target",
                condition=~Q(action="denied"),
            ),
            models.Index(
                fields=["target_id", "-id"],
                name="audit_refused_by_target",
                condition=Q(action="denied"),
            ),
            models.Index(fields=["actor_id", "-id"], name="audit_by_actor"),
            models.Index(fields=["action", "-id"], name="audit_by_action"),
            models.Index(
                fields=["job_id", "-id"],
                name="audit_by_job",
                condition=Q(job_id__isnull=False),
            ),
            # With the id, the ids of a period are found without reading its events.
            models.Index(fields=["at", "id"], name="audit_by_time_id"),
            models.Index(
                fields=["id"], name="audit_unsealed", condition=Q(chain_position__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_text}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Stores the event and the values that it replaces."""
        super().save(*args, **kwargs)
        record_former_values([self])

    def insert(self) -> None:
        """Stores a new event with SQL that is compiled once. Unlike `save`, it sends no signals and
        leaves an expression in `at`.
        """
        EVENT_INSERT.insert(self)
        record_former_values([self])

    @property
    def lost_values(self) -> bool:
        """Whether the values about its account were erased, or removed by retention."""
        return self.erased_at is not None and not self.target_text


EVENT_INSERT = CachedInsert(AuditEvent)


class ChainHead(models.Model):
    """The end of the chain, one row. Sealing locks it first, so the chain never forks."""

    position = models.BigIntegerField(default=0)
    hash = models.BinaryField(max_length=32, default=bytes(32))
    # The highest sealed id, and the highest id that was sealed at least a minute ago. No event
    # below the second one is still to be committed.
    newest_id = models.BigIntegerField(default=0)
    settled_id = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField(default=timezone.now)
    # The start of the last run that left no event unsealed, and the id up to which unused ids have
    # been recorded (users/audit/unused_ids.py).
    sealed_until = models.DateTimeField(null=True)
    counted_id = models.BigIntegerField(default=0)
    anchored_position = models.BigIntegerField(default=0)
    anchored_at = models.DateTimeField(null=True)
    # The last event that pruning has removed (users/audit/pruning.py): position, hash and time; and
    # the highest id of all that it has removed.
    pruned_position = models.BigIntegerField(default=0, db_default=0)
    pruned_hash = models.BinaryField(max_length=32, default=bytes(32), db_default=bytes(32))
    pruned_at = models.DateTimeField(null=True)
    pruned_id = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.position} {bytes(self.hash).hex()}"


class UnrecordedChange(models.Model):
    """A change of an account whose transaction has not recorded an event about it yet.

    Triggers write these rows (users/database/outside_triggers.py). Each transaction removes its own
    before it ends. Only on SQLite another program leaves some, until Rollcall writes next.
    """

    class Kind(models.TextChoices):
        CREATED = "created"
        CHANGED = "changed"
        REMOVED = "removed"
        ROLE_ADDED = "role_added"
        ROLE_REMOVED = "role_removed"
        PERMISSION_ADDED = "permission_added"
        PERMISSION_REMOVED = "permission_removed"

    account_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    # The whole row before the change; the name of a removed role or permission.
    old_row = models.JSONField(null=True)
    # The id of the role or permission.
    item_id = models.BigIntegerField(null=True)
    # The first row of its statement. PostgreSQL looks at the others with it.
    is_first = models.BooleanField(default=False, db_default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.account_id}"
