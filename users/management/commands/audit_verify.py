"""manage.py audit_verify: checks that no sealed audit event was changed."""

import sys
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.audit.anchors import Anchor, read_anchors
from users.audit.tree.checkpoint_signatures import (
    CheckpointFault,
    TrustedKey,
    stored_keys,
    verify_checkpoints,
)
from users.audit.tree.note_lines import read_notes
from users.audit.tree.notes import NoteError, VKey
from users.audit.verification.chain_check import (
    Verdict,
    count_full_ranges,
    verify_chain,
)
from users.audit.verification.models import VerificationRun
from users.audit.verification.origin_changes import (
    OriginChangeError,
    confirmed_anchors,
    recorded_origin_changes,
)
from users.audit.verification.processes import serve_ranges
from users.audit.verification.quick_check import find_tree_fault
from users.audit.verification.runs import (
    choose_range_checker,
    claim_run,
    finish_run,
    open_run,
    start_run,
)

NOT_COMBINED = "Use --anchor, --key and --new-origin without --quick and --resume."


class Command(BaseCommand):
    help = (
        "Verifies the whole audit chain. Exit code 0: every event is unchanged since it was "
        "sealed; 1: the message names the first bad event."
    )
    # System checks import the code of every page, which each verifying process would keep in
    # memory.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_outside_arguments(parser)
        parser.add_argument(
            "--quick",
            action="store_true",
            help="checks the tree, the newest checkpoints and the newest events alone",
        )
        parser.add_argument(
            "--resume",
            action="store_true",
            help="continues a full verification that was stopped; /audit/verification/ shows it",
        )
        # Checks the ranges that the verification writes to this process.
        parser.add_argument("--ranges", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ranges"]:
            serve_ranges(sys.stdin, self.stdout)
            return
        is_scheduled = options["quick"] or options["resume"]
        if is_scheduled and any(options[name] for name in ("anchor", "key", "new_origin")):
            raise CommandError(NOT_COMBINED, returncode=2)
        if options["quick"]:
            self.run_check(VerificationRun.Kind.QUICK)
        elif options["resume"]:
            self.run_check(VerificationRun.Kind.FULL)
        else:
            self.verify_all(options)

    def run_check(self, kind: str) -> None:
        """Continues or starts a run, as the schedule does."""
        run = open_run(kind) or start_run(kind)
        if not claim_run(run):
            raise CommandError(
                "A worker is running this verification. Try again later.", returncode=2
            )
        finish_run(run)
        if run.fault:
            text = f"The audit trail is not intact ({run.get_fault_kind_display()}): {run.fault}."
            raise CommandError(text, returncode=1)
        text = f"{run.position:,} events verified."
        if kind == VerificationRun.Kind.QUICK:
            text = f"Tree of {run.position:,} events and its newest events verified."
        self.stdout.write(text)

    def verify_all(self, options: dict[str, Any]) -> None:
        anchors: list[Anchor] = []
        notes: list[str] = []
        if options["anchor"]:
            anchors, notes = read_anchor_file(options["anchor"])
        try:
            known = confirmed_anchors(anchors, notes, options["new_origin"])
            checkpoints = verify_checkpoints(known.notes, trusted_keys(options["key"]))
        except (CheckpointFault, OriginChangeError) as fault:
            raise CommandError(f"The audit log can’t be trusted: {fault}.", returncode=1) from fault
        with choose_range_checker(count_full_ranges()) as check_ranges:
            verdict = verify_chain(known.anchors, checkpoints, check_ranges)
        if broken := verdict.fault or find_tree_fault():
            raise CommandError(f"The audit chain is broken: {broken}.", returncode=1)
        found = [describe_verdict(verdict)]
        if checkpoints:
            found.append(f"signed checkpoints that match: {len(checkpoints):,}")
        if known.left_out:
            found.append(f"anchors and checkpoints of lost events, left out: {known.left_out:,}")
        self.stdout.write(f"{'; '.join(found)}; {verdict.waiting:,} not yet sealed.")
        for change in recorded_origin_changes():
            self.stdout.write(f"Note: {change.describe()}.")


def add_outside_arguments(parser: ArgumentParser) -> None:
    """Adds the options with what is known from outside of the database."""
    parser.add_argument(
        "--anchor",
        metavar="FILE",
        type=Path,
        help="a file with anchors or signed checkpoints, or a log that contains them",
    )
    parser.add_argument(
        "--key",
        metavar="VKEY",
        action="append",
        default=[],
        help="trust only checkpoints signed with this verifier key; repeat it for each key",
    )
    parser.add_argument(
        "--new-origin",
        metavar="ORIGIN",
        action="append",
        default=[],
        help="an origin that audit_new_origin began: anchors of the events that were lost before "
        "it are left out",
    )


def describe_verdict(verdict: Verdict) -> str:
    """Returns how many events are unchanged, and what they have lost."""
    text = f"{verdict.events - verdict.pruned:,} events are unchanged since they were sealed"
    if verdict.erased:
        text += f", {verdict.erased:,} of them with erased values"
    if verdict.redacted:
        text += f", {verdict.redacted:,} without the names of erased people"
    if verdict.pruned:
        text += f"; {verdict.pruned:,} older ones were removed, as the trail records"
    if verdict.unused_ids:
        text += f"; {verdict.unused_ids:,} IDs were never used"
    return text


def trusted_keys(texts: list[str]) -> list[TrustedKey]:
    """Returns the given keys; without any, those that the database has."""
    try:
        given = [TrustedKey(VKey.parse(text)) for text in texts]
    except NoteError as error:
        raise CommandError(f"A key is wrong: {error}.", returncode=2) from error
    return given or stored_keys()


def read_anchor_file(path: Path) -> tuple[list[Anchor], list[str]]:
    """Returns the anchors and the signed checkpoints in a file.

    Raises CommandError with exit code 2 if there are none, which says nothing about the chain.
    """
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            anchors = read_anchors(file)
            file.seek(0)
            notes = read_notes(file)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.", returncode=2) from error
    if not anchors and not notes:
        raise CommandError(f"{path} contains no anchor and no checkpoint.", returncode=2)
    return anchors, notes
