"""manage.py audit_bundle: writes a zip with events of the audit trail and proofs of them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.access import CommandActor
from users.audit.origin import change_ticket
from users.audit.record import record_event
from users.audit.tree.tiles import TreeFault
from users.evidence.bundle import NoCheckpoint, write_bundle
from users.evidence.stored_filter import filter_words, matching_events
from users.exceptions import BadParameter
from users.management.ticket_option import add_ticket_option, valid_ticket

ACTOR = CommandActor("audit_bundle")


class Command(BaseCommand):
    help = (
        "Writes an evidence bundle: events, their proofs and a program that verifies them "
        "without Rollcall. Events that no checkpoint covers yet are left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the zip to write")
        parser.add_argument(
            "--filter",
            default="",
            help="as in the URL of /audit/: target=42, job=7, from=2026-01-01&to=2026-02-01",
        )
        parser.add_argument("--reason", required=True, help="appears in the audit trail")
        add_ticket_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        query = options["filter"]
        ticket = valid_ticket(options["ticket"])
        try:
            words = filter_words(query, masked=False)
            events = matching_events(query, masked=False)
        except BadParameter as error:
            raise CommandError(f"The filter is wrong: {error}") from error
        try:
            with path.open("xb") as file:
                number = write_bundle(file, events)
        except FileExistsError as error:
            raise CommandError(f"{path} exists.") from error
        except (NoCheckpoint, TreeFault, OSError) as error:
            path.unlink(missing_ok=True)
            raise CommandError(f"{path} was not written: {error}") from error
        with change_ticket(ticket):
            record_event(
                "audit.bundle_written",
                actor=ACTOR,
                after={"rows": number, "selection": words},
                reason=options["reason"],
            )
        noun = "event" if number == 1 else "events"
        self.stdout.write(f"{path}: {number:,} {noun} ({words}).")
