"""What each format of a file provides."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from users.transfer.formats import ImportSource
from users.transfer.formats.file_start import FileStart
from users.transfer.formats.options import ReadOptions


@dataclass(frozen=True)
class FormatDefaults:
    """The suggestions for an import from a format. A person may change each of them."""

    # The name of the system, for accounts with an ID in that system.
    source: str = ""
    # The fields of the account by column.
    fields: Mapping[str, str] = field(default_factory=dict)
    # The field that identifies an account; "" for the first one that the file has.
    key: str = ""


class FileFormat(ABC):
    """A format that Rollcall reads."""

    # The name in options, such as "keycloak".
    name: str
    # The name for people, such as "Keycloak realm".
    label: str
    # The usual ends of file names, such as ".json". Only the content decides.
    extensions: tuple[str, ...]
    defaults = FormatDefaults()

    @abstractmethod
    def matches(self, start: FileStart) -> bool:
        """Returns whether a file with this start has the format."""

    @abstractmethod
    def read(self, file: BinaryIO, name: str, options: ReadOptions) -> ImportSource:
        """Returns the columns and records of a seekable file at position 0.

        Raises UnreadableFile, also during the iteration over the records. `name` is for messages.
        """
