"""Somebody who owns the database: changes events behind the triggers, as nobody else can."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from users.audit import chain
from users.audit.models import AuditEvent, ChainHead
from users.audit.origin import current_origin
from users.audit.record import record_event
from users.database import triggers
from users.models import State, User

SESSION = UUID("3f0d2c1e-8a47-4b6e-9d15-7c20be94a6f8")


@contextmanager
def in_session(session_id: UUID = SESSION) -> Iterator[None]:
    """Gives a session to the events that are recorded inside the block."""
    token = current_origin.set(replace(current_origin.get(), session_id=session_id))
    try:
        yield
    finally:
        current_origin.reset(token)


def make_events(number: int, **fields) -> list[AuditEvent]:
    return [
        record_event(
            "account.edited",
            after={"phone": f"+{n}"},
            reason=f"reason {n}",
            **({"actor": None} | fields),
        )
        for n in range(number)
    ]


def sealed(number: int) -> list[AuditEvent]:
    made = make_events(number)
    chain.seal_waiting_events()
    return list(
        AuditEvent.objects.filter(pk__in=[event.pk for event in made]).order_by("chain_position")
    )


def mark_erased(account: User) -> None:
    """Marks the row of an account as erased, and writes and seals the event of it."""
    User.objects.filter(pk=account.pk).update(status=State.ERASED, deleted_at=timezone.now())
    chain.seal_event(record_event("account.erased", actor=None, target=account))


@contextmanager
def without_triggers() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        else:
            for name in ("update", "delete", "replace", "time"):
                cursor.execute(f"DROP TRIGGER {triggers.AUDIT_TABLE}_{name}")
        yield
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        else:
            triggers.install_triggers(connection)


def execute(sql: str, *params) -> None:
    with without_triggers(), connection.cursor() as cursor:
        cursor.execute(sql, params)


def forge_all() -> None:
    """Rebuilds the whole chain and its head over the current rows, so that it is consistent."""
    with without_triggers():
        AuditEvent.objects.update(
            chain_position=None, chain_salt=None, chain_previous=None, chain_hash=None
        )
        ChainHead.objects.all().delete()
        with transaction.atomic():
            chain.seal_events(chain.lock_chain_head(), AuditEvent.objects.order_by("pk"))
