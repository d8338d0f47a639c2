"""manage.py audit_prune: removes old audit events after retention has removed their values."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from users.access import CommandActor
from users.audit.models import AuditEvent
from users.audit.origin import change_ticket
from users.audit.pruning import NotPrunable, Pruning, prune_range
from users.audit.retention import YEAR
from users.audit.tree.merkle import RANGE_SIZE
from users.audit.verification.chain_start import pruned_position
from users.dashboard.rollups import counted_position
from users.database.clock import current_time
from users.management.ticket_option import add_ticket_option, valid_ticket
from users.webhooks.sources import reached_position

ACTOR = CommandActor("audit_prune")
# PostgreSQL's code of a missing privilege.
NO_PRIVILEGE = "42501"
NOT_OWNER = (
    "This database role may not delete audit events. Run the command as the role that owns the "
    "tables, as bin/release does."
)


class Command(BaseCommand):
    help = (
        f"Permanently removes audit events older than --years, in batches of {RANGE_SIZE:,}, once "
        "retention has removed their personal values. Each batch is recorded in the audit trail, "
        "and audit_verify still succeeds."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--years",
            type=int,
            required=True,
            metavar="N",
            help="remove events older than N years (1 to 100)",
        )
        parser.add_argument("--reason", required=True, help="recorded in the audit trail")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print how many events would be removed, and remove none",
        )
        add_ticket_option(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["years"] <= 100:
            raise CommandError("--years must be a number from 1 to 100.", returncode=2)
        limit = current_time() - options["years"] * YEAR
        ticket = valid_ticket(options["ticket"])
        number = count_old_events(limit) // RANGE_SIZE * RANGE_SIZE
        if options["dry_run"]:
            self.stdout.write(f"{number:,} events dated before {limit:%Y-%m-%d} would be removed.")
            return
        if not options["yes"]:
            confirm_removal(number)
        with change_ticket(ticket):
            self.prune(limit, options["reason"])

    def prune(self, limit: datetime, reason: str) -> None:
        removed = 0
        try:
            while pruning := prune_next(limit, reason):
                removed += pruning.events
        except NotPrunable as obstacle:
            self.stdout.write(f"Stopped: {obstacle}.")
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") == NO_PRIVILEGE:
                raise CommandError(NOT_OWNER) from error
            raise
        self.stdout.write(
            f"Removed {removed:,} events dated before {limit:%Y-%m-%d}. "
            f"The audit trail begins after position {pruned_position():,}."
        )


def confirm_removal(number: int) -> None:
    """Raises CommandError unless the person at the terminal agrees."""
    try:
        answer = input(f"Remove {number:,} audit events permanently? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was changed.")


def prune_next(limit: datetime, reason: str) -> Pruning | None:
    return prune_range(
        limit,
        read_until=min(counted_position(), reached_position()),
        by=ACTOR,
        reason=reason,
    )


def count_old_events(limit: datetime) -> int:
    """Returns how many events at the start of the trail are dated before `limit`."""
    start = pruned_position()
    later = AuditEvent.objects.filter(at__gte=limit, chain_position__isnull=False)
    first = later.order_by("chain_position").values_list("chain_position", flat=True).first()
    if first is None:
        newest = AuditEvent.objects.order_by("-chain_position")
        sealed = newest.filter(chain_position__isnull=False)
        first = (sealed.values_list("chain_position", flat=True).first() or 0) + 1
    return max(first - 1 - start, 0)
