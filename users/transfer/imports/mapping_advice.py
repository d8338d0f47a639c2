"""Words messages about columns: which ones a file has, and which options would make it fit."""

import re

from users.formats import ImportSource
from users.formats.import_fields import KEY_FIELDS, comparable_name

PRINTABLE_MAX = 60  # characters of a value in a message
COLUMNS_SHOWN = 40
# Delimiters that are not detected, because column names often contain some of them.
RARE_DELIMITERS = "|^~:#/"
# Parts of column names that other systems use for these fields.
FIELD_HINTS = {"email": ("mail",), "username": ("user", "login")}
# A part of a first line that is one column name rather than, say, the version v1.0.
PLAIN_NAME = re.compile(r"\s*[^\W\d](?:[\w -]|\.(?!\d))*")
# Addresses, hashes, numbers and dates: values that are no column names.
DATA_VALUE = re.compile(
    r"[@=$!*<>{}]|^[\d\s.,:/+()-]+$|^\d{4}-\d\d|^(?=\S*\d)(?=\S*[^\W\d])\S{24,}$"
)


def looks_like_data(source: ImportSource) -> bool:
    """Returns whether the first line of a file has a value that cannot be the name of a column.
    The keys of a file without such a line are names.
    """
    return bool(source.line) and any(DATA_VALUE.search(column) for column in source.columns)


def list_columns(source: ImportSource) -> str:
    """Returns the sentence that lists the columns of a file. Where the first line looks like data,
    it only says how many there are, since a value may be a password.
    """
    if looks_like_data(source):
        number = len(source.columns)
        return (
            f"The first line has {number} value{'' if number == 1 else 's'} and looks like data. "
            "If the file has no line with column names, name the columns with --columns."
        )
    shown = [escape_unprintable(column) for column in source.columns[:COLUMNS_SHOWN]]
    more = len(source.columns) - len(shown)
    rest = f" and {more} more" if more else ""
    return f"The columns are: {', '.join(shown)}{rest}."


def mapping_advice(source: ImportSource, fields: tuple[str, ...] = KEY_FIELDS) -> str:
    """Returns the columns of a file that provides none of `fields`, and how to go on."""
    sentences = [list_columns(source), *header_advice(source)]
    if not rare_delimiter(source):
        example = mapping_example(source, fields)
        sentences.append(f"Use --map or --set to provide {join_alternatives(fields)}{example}.")
    return " ".join(sentences)


def header_advice(source: ImportSource) -> list[str]:
    """Returns sentences about a first line that does not seem to be the names of the columns."""
    if looks_like_data(source) or len(source.columns) > 1:
        return []
    sentences = ["If the names are further down, skip the lines before them with --skip-lines."]
    if delimiter := rare_delimiter(source):
        sentences.insert(
            0, f"If “{delimiter}” separates the columns, use --delimiter '{delimiter}'."
        )
    return sentences


def rare_delimiter(source: ImportSource) -> str:
    """Returns the delimiter that would split the only column of a file; "" if none would."""
    if len(source.columns) > 1:
        return ""
    [column] = source.columns
    delimiter = max(RARE_DELIMITERS, key=column.count)
    parts = column.strip(delimiter).split(delimiter)
    is_split = len(parts) > 1 and all(PLAIN_NAME.fullmatch(part) for part in parts)
    return delimiter if is_split else ""


def mapping_example(source: ImportSource, fields: tuple[str, ...]) -> str:
    """Returns ", such as" with an option for a column that seems to be one of `fields` by its name;
    "" if there is none.
    """
    if looks_like_data(source):
        return ""
    for field in fields:
        for column in source.columns:
            name = comparable_name(column)
            if any(hint in name for hint in FIELD_HINTS.get(field, ())):
                return f", such as --map '{escape_unprintable(column)}={field}'"
    return ""


def join_alternatives(words: tuple[str, ...]) -> str:
    """Returns alternatives as text, such as "source_id, email or username"."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def escape_unprintable(text: str) -> str:
    """Returns at most PRINTABLE_MAX characters of `text`, with escapes for unprintable ones."""
    shown = text if len(text) <= PRINTABLE_MAX else text[: PRINTABLE_MAX - 1] + "…"
    return "".join(map(escape_character, shown))


def escape_character(char: str) -> str:
    """Returns a printable character unchanged, and an escape such as \\x00 for any other one."""
    if char.isprintable():
        return char
    return char.encode("unicode_escape", "surrogatepass").decode()
