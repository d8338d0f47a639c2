"""manage.py audit_new_origin: gives the audit log a new origin after a backup was restored."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from users.access import CommandActor
from users.audit import chain
from users.audit.origin import change_ticket
from users.audit.record import record_event
from users.audit.tree.models import AnchorDelivery, SignedCheckpoint
from users.audit.tree.notes import encode_base64
from users.audit.tree.private_keys import (
    KeyFileError,
    read_signing_keys,
    write_signing_keys,
)
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.signatures import SigningKey
from users.audit.tree.verifier_keys import (
    end_key,
    register_keys,
    tree_size,
)
from users.audit.verification.origin_changes import ORIGIN_CHANGED_ACTION
from users.management.ticket_option import add_ticket_option, valid_ticket

ACTOR = CommandActor("audit_new_origin")
NOT_SIGNED = "There is no signed checkpoint yet, so there is no log to continue."


class Command(BaseCommand):
    help = (
        "Begins a new origin of the audit log after a backup was restored. Events after the backup "
        "are lost, and the audit trail says so. Run it as the user of the worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="appears in the audit trail")
        add_ticket_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        ticket = valid_ticket(options["ticket"])
        last = latest_checkpoint()
        if last is None:
            raise CommandError(NOT_SIGNED)
        try:
            keys = read_signing_keys()
            if not keys:
                raise CommandError("AUDIT_KEY_FILE is not set.")
            with change_ticket(ticket):
                key = start_new_origin(keys, last, options["reason"])
        except (KeyFileError, OSError) as error:
            raise CommandError(f"{error}.") from error
        self.stdout.write(f"The log continues as {key.verifier.name}. New verifier key:")
        self.stdout.write(str(key.verifier))


def start_new_origin(
    keys: list[SigningKey],
    last: SignedCheckpoint,
    reason: str,
) -> SigningKey:
    """Replaces the keys by one of a new origin, and records the old head. Returns the new key."""
    old = keys[0].verifier.name
    with transaction.atomic():
        # All events of the backup are sealed, and the new one follows them.
        head = chain.lock_chain_head()
        position = head.position
        key = SigningKey.generate(next_origin(old))
        values = {
            "origin": key.verifier.name,
            "previous_origin": old,
            "position": position,
            "chain_hash": bytes(head.hash).hex(),
            "size": last.size,
            "root": encode_base64(bytes(last.root)),
        }
        event = record_event(ORIGIN_CHANGED_ACTION, actor=ACTOR, after=values, reason=reason)
        chain.seal_event(event)
        for each in keys:
            end_key(each.verifier.key_id.hex(), revoked=False)
        # What witnesses have refused was the old log.
        AnchorDelivery.objects.update(size=0, refused_at=None)
        register_keys([key.verifier], tree_size())
        write_signing_keys(Path(settings.AUDIT_KEY_FILE), [key])
    return key


def next_origin(origin: str) -> str:
    """Returns the origin that follows: host/audit/log/2 after host/audit/log."""
    base, _, last = origin.rpartition("/")
    if last.isdigit():
        return f"{base}/{int(last) + 1}"
    return f"{origin}/2"
