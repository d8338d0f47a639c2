"""Builds logs for tests: sealed events, a key, and checkpoints of the tree."""

from pathlib import Path

from tests.audit.tampering import make_events
from users.audit import chain
from users.audit.models import AuditEvent
from users.audit.tree import signing
from users.audit.tree.merkle import HASH_SIZE
from users.audit.tree.models import SignedCheckpoint
from users.audit.tree.private_keys import write_signing_keys
from users.audit.tree.proofs import latest_checkpoint
from users.audit.tree.signatures import SigningKey
from users.audit.tree.verifier_keys import register_keys

ORIGIN = "rollcall.example.com/audit/log"


def use_key(settings, folder: Path, *keys: SigningKey) -> SigningKey:
    """Puts keys into AUDIT_KEY_FILE, by default a new one, as `audit_key` does. Returns the last
    one.
    """
    chosen = keys or (SigningKey.generate(ORIGIN),)
    settings.AUDIT_KEY_FILE = str(folder / "audit-key")
    write_signing_keys(Path(settings.AUDIT_KEY_FILE), chosen)
    register_keys([key.verifier for key in chosen], 0)
    return chosen[-1]


def grow(number: int) -> SignedCheckpoint | None:
    """Seals new events and lets the worker sign. Returns the newest checkpoint."""
    make_events(number)
    chain.seal_waiting_events()
    signing.update_log()
    return latest_checkpoint()


def leaves() -> list[bytes]:
    """Returns the leaves of the log, as the chain has them."""
    hashes = AuditEvent.objects.exclude(chain_position=None).order_by("chain_position")
    return [bytes(each) for each in hashes.values_list("chain_hash", flat=True)]


def cut(joined: bytes) -> list[bytes]:
    return [joined[at : at + HASH_SIZE] for at in range(0, len(joined), HASH_SIZE)]
