"""Removes a person from exported and uploaded files."""

from users.forgetting import Erasure, forgets
from users.transfer.exports.piece_store import forget_exported
from users.transfer.imports.forget_imported import forget_imported
from users.transfer.models import ExportSchedule


@forgets(order=30)
def erase_from_exports(erasure: Erasure) -> None:
    """Removes the account's row from every stored file, and the account's own files and
    schedules.
    """
    ExportSchedule.objects.filter(owner=erasure.account).delete()
    forget_exported(erasure.account.pk)


@forgets(order=31)
def erase_from_imports(erasure: Erasure) -> None:
    """Removes the account's rows from every uploaded file, and the account's own files."""
    forget_imported(erasure)
