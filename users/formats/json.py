"""Reads the objects of a JSON file: of an array, of an array in an object, or the file itself."""

from typing import Any

from users.formats import UnreadableFile
from users.formats.file_start import ELEMENT, FileStart
from users.formats.record_values import flat_values
from users.formats.system_format import SystemFormat

# Of several arrays in an object, one with such a name has the accounts.
ACCOUNT_KEYS = ("users", "accounts", "people", "members", "Resources", "results", "items", "data")


class JsonFile(SystemFormat):
    """JSON that no other format matches. The keys are the columns, in nested objects with a dot."""

    name = "json"
    label = "JSON"
    extensions = (".json",)
    columns = ()

    def matches_keys(self, keys: frozenset[str]) -> bool:
        return True

    def matches_header(self, names: frozenset[str]) -> bool:
        return False

    def record_path(self, start: FileStart) -> str:
        """Returns where the objects are. Raises UnreadableFile if that is unclear."""
        if start.first_line.lstrip().startswith("["):
            return "item"
        # Arrays of objects directly in the outer object.
        arrays = {path.partition(ELEMENT)[0] for path in start.json_paths if ELEMENT in path}
        names = sorted(name for name in arrays if "." not in name)
        known = [name for name in ACCOUNT_KEYS if name in names]
        if not names or known:
            return f"{known[0]}.item" if known else ""
        if len(names) > 1:
            reason = f"There are several lists in this file: {', '.join(names[:10])}."
            raise UnreadableFile(start.name, 0, f"{reason} Keep only the one with the accounts.")
        return f"{names[0]}.item"

    def account(self, record: dict[str, Any]) -> dict[str, str]:
        return flat_values(record, "")
