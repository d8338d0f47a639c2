"""manage.py audit_witness: cosigns the checkpoints of other logs, without a database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from users.audit.tree.notes import (
    COSIGNATURE,
    NoteError,
    VKey,
)
from users.audit.tree.private_keys import write_signing_keys
from users.audit.tree.signatures import SigningKey
from users.audit.tree.witness import Witness
from users.audit.tree.witness_server import WitnessServer

KEY_FILE = "witness-key"


class Command(BaseCommand):
    help = (
        "Runs a witness (C2SP tlog-witness): it cosigns the checkpoints of the given logs, and "
        "refuses a log that was rewritten. Run it on another machine than the log."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="for its key and the last checkpoints")
        parser.add_argument("--name", required=True, help="its name, such as witness.example.com")
        parser.add_argument(
            "--log",
            metavar="VKEY",
            action="append",
            required=True,
            help="a verifier key of a log; repeat it for each key",
        )
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8090)

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            logs = [VKey.parse(text) for text in options["log"]]
            key = witness_key(folder / KEY_FILE, options["name"])
        except NoteError as error:
            raise CommandError(f"A key is wrong: {error}.") from error
        except OSError as error:
            raise CommandError(f"{error.filename} can’t be used: {error.strerror}.") from error
        witness = Witness(key, logs, folder)
        with WitnessServer((options["host"], options["port"]), witness) as server:
            host, port = server.server_address[:2]
            self.stdout.write(f"{key.verifier}\nListening on http://{host!s}:{port}")
            self.stdout.flush()
            server.serve_forever()


def witness_key(path: Path, name: str) -> SigningKey:
    """Returns the key of the witness, which is made at the first start."""
    if path.exists():
        return SigningKey.parse(path.read_text().strip())
    key = SigningKey.generate(name, COSIGNATURE)
    write_signing_keys(path, [key])
    return key
