"""manage.py audit_verify: checks that no sealed audit event was changed."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.audit.checkpoints import read_checkpoints
from users.audit.verification import verify_chain


class Command(BaseCommand):
    help = (
        "Verifies the whole audit chain. Exit code 0: every event is unchanged since it was "
        "sealed; 1: the message names the first bad event."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--anchor",
            metavar="FILE",
            type=Path,
            help="a file with the anchors written by the worker, or a log that contains them",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        checkpoints = read_anchor_file(options["anchor"]) if options["anchor"] else []
        verdict = verify_chain(checkpoints)
        if verdict.fault:
            raise CommandError(f"The audit chain is broken: {verdict.fault}.", returncode=1)
        sealed = f"{verdict.events:,} events are unchanged since they were sealed"
        if verdict.erased:
            sealed += f", {verdict.erased:,} of them with erased values"
        if verdict.redacted:
            sealed += f", {verdict.redacted:,} without the names of erased people"
        if verdict.unused_ids:
            sealed += f"; {verdict.unused_ids:,} IDs were never used"
        self.stdout.write(f"{sealed}; {verdict.waiting:,} not yet sealed.")


def read_anchor_file(path: Path) -> list:
    """Returns the checkpoints in a file.

    Raises CommandError with exit code 2 if there are none, which says nothing about the chain.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            found = read_checkpoints(file)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.", returncode=2) from error
    if not found:
        raise CommandError(f"There is no anchor in {path}.", returncode=2)
    return found
