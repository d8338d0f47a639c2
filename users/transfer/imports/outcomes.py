"""The outcomes of the rows of an import."""

from dataclasses import dataclass
from typing import Any

CREATED = "created"
UPDATED = "updated"
UNCHANGED = "unchanged"
REJECTED = "rejected"
# A rejected row that is about several accounts.
AMBIGUOUS = "ambiguous"
# The sum of these is the number of rows. Ambiguous rows are among the rejected ones.
IMPORT_OUTCOMES = (CREATED, UPDATED, UNCHANGED, REJECTED)
REJECTED_KINDS = (REJECTED, AMBIGUOUS)


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """The outcome of one row."""

    line: int
    # One of IMPORT_OUTCOMES, or AMBIGUOUS.
    kind: str
    account_id: int | None = None
    # Why it was rejected, or what of it was not applied.
    reason: str = ""
    # Whether the row did not fit its file: the columns, or an earlier row with its key.
    misfit: bool = False
    # Whether another account has a name of a rejected row, and a later row may free it.
    is_waiting: bool = False
    # For undo: the changed columns of an updated account before the change as JSON, with the ids of
    # its roles as "groups"; and the version of the account after it.
    before: dict[str, Any] | None = None
    version: int | None = None
    # The kind of the password that the account got; "" for none.
    password_kind: str = ""
