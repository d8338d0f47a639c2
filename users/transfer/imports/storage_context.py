"""The import that a chunk is stored for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from users.transfer.imports.import_rights import ImportRights


@dataclass(frozen=True)
class StorageContext:
    """The person who imports with their rights, and the job."""

    by: Any
    rights: ImportRights
    job_id: int | None = None

    def role_names(self, ids: Iterable[int]) -> list[str]:
        """Returns the names of roles as events have them."""
        return sorted(self.rights.groups_by_id[pk].name for pk in ids)
