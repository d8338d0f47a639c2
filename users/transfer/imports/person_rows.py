"""Finds the stored rows that name a person in any column, also in columns that are not imported."""

import json
import zlib
from collections.abc import Iterable
from typing import Any

from users.forgetting import PersonNames
from users.privacy.matcher import MIN_DIGITS
from users.transfer.models import ImportFile, ImportPiece

# Characters that may stand between the digits of a number. In UTF-8, a dash has three bytes.
DIGIT_SEPARATORS = " \t().-/–".encode()
# A country code has at most three digits, and people leave it out.
COUNTRY_DIGITS = 3
NAME_FIELDS = {"first_name", "last_name"}
# Between the cells of a row: it joins names, and no numbers.
CELL_SEPARATOR = ", "
# The positions of the reason and the cells in a stored outcome, and of the cells in a stored row.
OUTCOME_REASON = 4
OUTCOME_CELLS = 6
ROW_CELLS = 1
Stage = ImportPiece.Stage


class PersonRows:
    """Searches pieces for one person. `values`: current and former values by field."""

    def __init__(self, names: PersonNames, values: dict[str, set[str]]):
        self.names = names
        # One of these is in each text that `names` recognises. Searching for them is much faster.
        self.needles = plain_needles(values)
        self.numbers = number_needles(values.get("phone", set()))

    def find(self, file: ImportFile) -> set[int]:
        """Returns the numbers of the rows that name the person."""
        found: set[int] = set()
        stored = file.pieces.exclude(stage=Stage.RAW)
        for pk in list(stored.values_list("pk", flat=True)):
            piece = ImportPiece.objects.defer("names").filter(pk=pk).first()
            if piece:
                found |= self.find_in_piece(piece)
        return found

    def find_in_piece(self, piece: ImportPiece) -> set[int]:
        """Returns the numbers of the rows in a piece that name the person."""
        text = zlib.decompress(piece.content).decode("utf-8", "surrogatepass")
        if not self.may_occur_in(text):
            return set()
        found = set()
        for number, line in enumerate(text.split("\n"), piece.number):
            if self.may_occur_in(line):
                values = json.loads(line)
                is_row = piece.stage == Stage.ROWS
                if self.names.identify(row_text(values) if is_row else outcome_text(values)):
                    found.add(number if is_row else values[0])
        return found

    def may_occur_in(self, text: str) -> bool:
        """Returns whether a text has one of the needles."""
        folded = text.casefold()
        if any(needle in folded for needle in self.needles):
            return True
        if not self.numbers:
            return False
        digits = text.encode("utf-8", "surrogatepass").translate(None, DIGIT_SEPARATORS)
        return any(number in digits for number in self.numbers)


def plain_needles(values: dict[str, set[str]]) -> set[str]:
    """Returns the texts one of which is in every text that names the person. Of a full name it is
    the last name, if there is one.
    """
    fields = values.keys() - NAME_FIELDS - {"phone"}
    found = set().union(*(values[name] for name in fields))
    found |= values.get("last_name") or values.get("first_name", set())
    return {text.casefold() for text in found}


def number_needles(phones: Iterable[str]) -> set[bytes]:
    """Returns the digits that every spelling of these numbers has."""
    found = set()
    for phone in phones:
        digits = phone.removeprefix("+")
        if len(digits) >= MIN_DIGITS:
            found.add(digits[COUNTRY_DIGITS:].encode())
    return found


def row_text(line: list[Any]) -> str:
    """Returns the cells of a stored row as one text."""
    return CELL_SEPARATOR.join(line[ROW_CELLS] or ())


def outcome_text(line: list[Any]) -> str:
    """Returns the cells and the reason of a stored outcome as one text."""
    return CELL_SEPARATOR.join([*(line[OUTCOME_CELLS] or ()), line[OUTCOME_REASON]])
