"""Registers the kinds of jobs of imports."""

from users.bulk.undo_rules import UNDO_KINDS
from users.jobs.kinds import register_kind
from users.transfer.imports.check_job import CheckImport
from users.transfer.imports.import_job import ImportAccounts
from users.transfer.imports.undo import UndoImport


def register_imports() -> None:
    """Registers the check of a file, its import, and the undo of that."""
    register_kind(CheckImport())
    register_kind(ImportAccounts())
    register_kind(UndoImport())
    UNDO_KINDS[ImportAccounts.name] = UndoImport.name
