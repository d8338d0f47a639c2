"""The option --ticket of commands that record a reason."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from users.web.forms import clean_ticket


def add_ticket_option(parser: ArgumentParser) -> None:
    parser.add_argument("--ticket", default="", help="the ticket, visible in the audit trail")


def valid_ticket(typed: str) -> str:
    """Returns the ticket of --ticket. Raises CommandError for a wrong one."""
    try:
        return clean_ticket(typed)
    except ValidationError as error:
        raise CommandError(f"--ticket: {' '.join(error.messages)}") from error
