"""The public keys of the log: which there are, and up to which size of the tree each counts."""

from collections.abc import Iterable

from users.audit.tree.models import TreeHead, VerifierKey
from users.audit.tree.notes import VKey
from users.database.clock import current_time


def register_keys(keys: Iterable[VKey], size: int) -> list[VerifierKey]:
    """Stores those keys that are new, as used from a tree of `size` leaves on. Returns the stored
    rows of the new ones.
    """
    texts = {str(key): key for key in keys}
    rows = VerifierKey.objects.filter(vkey__in=texts)
    known = set(rows.values_list("vkey", flat=True))
    new = [
        VerifierKey(
            key_id=key.key_id.hex(),
            origin=key.name,
            vkey=text,
            added_at=current_time(),
            first_size=size,
        )
        for text, key in texts.items()
        if text not in known
    ]
    return VerifierKey.objects.bulk_create(new, ignore_conflicts=True) if new else []


def end_key(key_id: str, *, revoked: bool) -> VerifierKey | None:
    """Ends a key at the present size of the tree: it counts for earlier checkpoints alone.

    Returns None if no key with this ID signs.
    """
    key = VerifierKey.objects.filter(key_id=key_id, last_size=None).first()
    if key is None:
        return None
    key.last_size = tree_size()
    if revoked:
        key.revoked_at = current_time()
    else:
        key.retired_at = current_time()
    key.save(update_fields=["last_size", "revoked_at", "retired_at"])
    return key


def tree_size() -> int:
    return TreeHead.objects.values_list("size", flat=True).first() or 0
