"""Removes a person from exported files."""

from users.forgetting import Erasure, forgets
from users.transfer.exports.piece_store import forget_exported


@forgets(order=30)
def erase_from_exports(erasure: Erasure) -> None:
    """Removes the account's row from every stored file, and the account's own files."""
    forget_exported(erasure.account.pk)
