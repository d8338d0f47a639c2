"""The choices of a person about how a file is read. Each of them has a default: by content."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file. Formats ignore the options that they have no use for."""

    # The name of a FileFormat; "" for the one that matches the content.
    format: str = ""
    # The text encoding; "" for the one that the content shows, else UTF-8.
    encoding: str = ""
    # One character; "" for the one that fits best.
    delimiter: str = ""
    # The number of lines or rows before the column names.
    skip_lines: int = 0
    # The names of the columns of a file without a header, "" for a column to ignore.
    columns: tuple[str, ...] = ()
    # Whether the last cells of a row may be missing.
    short_rows: bool = False
    # The name of the sheet of a workbook; "" for the first visible one and those with its columns.
    sheet: str = ""
    # The hash parameters of a Firebase project, as its console shows them.
    hash_parameters: str = ""

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ReadOptions":
        """Returns the options that `to_json` stored. Unknown ones are ignored."""
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known["columns"] = tuple(known.get("columns", ()))
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Returns the options as values of JSON."""
        return {**asdict(self), "columns": list(self.columns)}
