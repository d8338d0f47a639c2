"""manage.py audit_key: creates, lists, rotates and revokes the keys that sign checkpoints."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from users.access import CommandActor
from users.audit.record import record_event
from users.audit.tree.models import VerifierKey
from users.audit.tree.notes import is_key_name
from users.audit.tree.private_keys import (
    KeyFileError,
    read_signing_keys,
    write_signing_keys,
)
from users.audit.tree.signatures import SigningKey
from users.audit.tree.verifier_keys import (
    end_key,
    register_keys,
    tree_size,
)

ACTOR = CommandActor("audit_key")
MAX_NAME_LENGTH = 200
NO_FILE = "AUDIT_KEY_FILE is not set. Set it for the worker and for this command alone."


class Command(BaseCommand):
    help = (
        "Manages the keys that sign the checkpoints of the audit trail. Run it as the user of the "
        "worker, with AUDIT_KEY_FILE set."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        generate = actions.add_parser("generate", help="creates the first key")
        generate.add_argument("--name", help="the origin of the log; default: host/audit/log")
        actions.add_parser("show", help="lists the verifier keys")
        actions.add_parser("rotate", help="adds a key; until the old one is retired, both sign")
        for name, text in {
            "retire": "removes an old key; its checkpoints stay valid",
            "revoke": "removes a stolen key; later checkpoints of it are refused",
        }.items():
            ending = actions.add_parser(name, help=text)
            ending.add_argument("key_id", help="eight characters, as in its verifier key")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "show":
            self.show_keys()
            return
        if not settings.AUDIT_KEY_FILE:
            raise CommandError(NO_FILE)
        path = Path(settings.AUDIT_KEY_FILE)
        try:
            if options["action"] == "generate":
                key = generate_key(path, options["name"] or default_origin())
            elif options["action"] == "rotate":
                key = rotate_key(path)
            else:
                self.end(path, options["key_id"], revoked=options["action"] == "revoke")
                return
        except (KeyFileError, OSError) as error:
            raise CommandError(f"{error}.") from error
        self.stdout.write(str(key.verifier))

    def show_keys(self) -> None:
        for key in VerifierKey.objects.order_by("pk"):
            until = f" to {key.last_size:,}" if key.last_size is not None else ""
            ended = ""
            if until:
                ended = " (revoked)" if key.revoked_at else " (retired)"
            self.stdout.write(f"{key.vkey}  from {key.first_size:,}{until} events{ended}")

    def end(
        self,
        path: Path,
        key_id: str,
        *,
        revoked: bool,
    ) -> None:
        """Removes a key from the file and ends it."""
        keys = read_signing_keys()
        left = [key for key in keys if key.verifier.key_id.hex() != key_id]
        if not left and not revoked:
            raise CommandError("This is the only key. Run “audit_key rotate” first.")
        with transaction.atomic():
            row = end_key(key_id, revoked=revoked)
            if row is None:
                raise CommandError(f"No key {key_id} signs checkpoints.")
            action = "audit.key_revoked" if revoked else "audit.key_retired"
            record_event(action, actor=ACTOR, after={"key": row.vkey})
            if not left:
                # A stolen key was the only one, so another one takes its place at once.
                self.stdout.write(str(add_key(path, [], row.origin).verifier))
            elif len(left) < len(keys):
                write_signing_keys(path, left)
        self.stdout.write(
            f"Key {key_id} is valid for checkpoints of up to {row.last_size:,} events."
        )


def default_origin() -> str:
    """Returns the name of the log: the place of its tiles, without scheme and port."""
    return f"{urlsplit(settings.SITE_URL).hostname}/audit/log"


def generate_key(path: Path, name: str) -> SigningKey:
    if path.exists():
        raise CommandError(f"{path} already exists. To add a key, run “audit_key rotate”.")
    if not is_key_name(name) or not name.isascii() or len(name) > MAX_NAME_LENGTH:
        raise CommandError(
            "The name must be at most 200 ASCII characters, without spaces or plus signs."
        )
    return add_key(path, [], name)


def rotate_key(path: Path) -> SigningKey:
    keys = read_signing_keys()
    return add_key(path, keys, keys[0].verifier.name)


def add_key(
    path: Path,
    keys: list[SigningKey],
    name: str,
) -> SigningKey:
    """Adds a new key to the file and to the verifier keys."""
    key = SigningKey.generate(name)
    with transaction.atomic():
        register_keys([key.verifier], tree_size())
        record_event("audit.key_added", actor=ACTOR, after={"key": str(key.verifier)})
        write_signing_keys(path, [*keys, key])
    return key
