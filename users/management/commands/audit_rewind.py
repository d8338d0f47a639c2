"""manage.py audit_rewind: lets a feed send audit events again, from one on."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.access import CommandActor
from users.audit.feeds.delivery import feed_senders
from users.audit.feeds.rewind import RewindError, events_to_repeat, rewind_feed
from users.audit.origin import change_ticket
from users.management.ticket_option import add_ticket_option, valid_ticket

ACTOR = CommandActor("audit_rewind")


class Command(BaseCommand):
    help = (
        "Sends audit events to a feed again after its receiver has lost some. "
        "The receiver ignores those that it still has, by their ID."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("feed", help="webhook or syslog")
        parser.add_argument(
            "event",
            type=int,
            help="the ID of the first event to send again, as in the URL of its page",
        )
        parser.add_argument("--reason", required=True, help="appears in the audit trail")
        add_ticket_option(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")

    def handle(self, *args: Any, **options: Any) -> None:
        name, event_id = options["feed"], options["event"]
        ticket = valid_ticket(options["ticket"])
        if name not in feed_senders():
            raise CommandError(f"The settings have no feed {name}.")
        try:
            if not options["yes"]:
                confirm(name, events_to_repeat(name, event_id))
            with change_ticket(ticket):
                number = rewind_feed(name, event_id, actor=ACTOR, reason=options["reason"])
        except RewindError as error:
            raise CommandError(f"Nothing was changed: {error}.") from error
        self.stdout.write(f"The worker sends {number:,} events again.")


def confirm(name: str, number: int) -> None:
    """Raises CommandError unless the person at the terminal agrees."""
    try:
        answer = input(f"Send {number:,} events to the {name} again? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise CommandError("Nothing was changed.")
