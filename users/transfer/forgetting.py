"""Removes a person from exported files."""

from users.forgetting import Erasure, forgets
from users.transfer.exports.piece_store import forget_exported
from users.transfer.models import ExportSchedule


@forgets(order=30)
def erase_from_exports(erasure: Erasure) -> None:
    """Removes the account's row from every stored file, and the account's own files and
    schedules.
    """
    ExportSchedule.objects.filter(owner=erasure.account).delete()
    forget_exported(erasure.account.pk)
