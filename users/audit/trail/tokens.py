"""Tokens of events: short texts that events have in common, as numbers of 32 bits.

A block of events is found by the tokens of its events (blocks.py). Two texts may have one number:
then a block is read for nothing. Each token of a filter must be a token of every event that matches
it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from zlib import crc32

from users.audit.models import DENIED
from users.audit.origin import plain_address
from users.audit.trail.conditions import json_text

TRIGRAM_LENGTH = 3
# The columns of an event that have tokens.
TOKEN_COLUMNS = (
    "action",
    "actor_id",
    "target_id",
    "job_id",
    "before",
    "after",
    "reason",
    "ticket",
    "user_agent",
    "ip",
    "session_id",
)
# The networks of an address that have a token, by its version.
PREFIX_LENGTHS = {
    4: (16, 24),
    6: (32, 48, 64),
}
# Other characters have forms in lower case on which Python and PostgreSQL may not agree.
WORD = re.compile(r"[\x21-\x7e]+")
SAME_LETTERS = str.maketrans(
    {
        "\u0307": "",
        "ı": "i",
        "ς": "σ",
    }
)
CACHED_TEXTS = 20_000
# Different texts have most of their trigrams in common.
CACHED_TRIGRAMS = 50_000
DONE = "done"


def token_number(kind: str, text: object) -> int:
    """Returns the number of a token, signed as PostgreSQL's integer is."""
    number = crc32(f"{kind}:{text}".encode())
    return number - 2**32 if number >= 2**31 else number


def tokens_of_rows(rows: Iterable[tuple]) -> set[int]:
    """Returns the tokens that at least one of some events has. `rows`: the TOKEN_COLUMNS of each,
    with JSON as text.

    A value that several events have in a column is read once.
    """
    found: set[int] = set()
    columns = column_values(rows)
    for action in columns["action"]:
        found.update(action_tokens(action))
    for kind in ("actor", "target", "job", "session"):
        numbers = columns[f"{kind}_id"]
        found.update(token_number(kind, number) for number in numbers)
    for text in columns["before"] | columns["after"]:
        found.update(json_tokens(json.loads(text)))
    for text in columns["reason"] | columns["ticket"]:
        found |= text_tokens("text", text)
    for text in columns["user_agent"]:
        found |= text_tokens("browser", text)
    for address in columns["ip"]:
        found |= address_tokens(address)
    return found


def column_values(rows: Iterable[tuple]) -> dict[str, set[Any]]:
    """Returns the different values of each column by its name, without empty ones."""
    found: dict[str, set[Any]] = {name: set() for name in TOKEN_COLUMNS}
    # Without rows there are no columns.
    for name, column in zip(TOKEN_COLUMNS, zip(*rows, strict=True), strict=False):
        found[name].update(filter(None, column))
    return found


def action_tokens(action: str) -> list[int]:
    found = [
        token_number("action", action),
        token_number("kind", action.partition(".")[0]),
    ]
    if action != DENIED:
        found.append(token_number("outcome", DONE))
    return found


def json_tokens(values: Any) -> Iterator[int]:
    """Yields the tokens of the values before or after a change, and of their fields."""
    yield from value_tokens(values)
    if isinstance(values, dict):
        for name in values:
            yield token_number("field", name)


def value_tokens(value: Any) -> Iterator[int]:
    """Yields the tokens of all scalars in a JSON value."""
    if isinstance(value, dict):
        for part in value.values():
            yield from value_tokens(part)
    elif isinstance(value, list):
        for part in value:
            yield from value_tokens(part)
    elif value is not None:
        yield scalar_token(json_text(value))


@lru_cache(maxsize=CACHED_TEXTS)
def scalar_token(text: str) -> int:
    return token_number("value", fold_case(text))


@lru_cache(maxsize=CACHED_TEXTS)
def text_tokens(kind: str, text: str) -> frozenset[int]:
    """Returns the tokens of the trigrams of a text's words."""
    words = WORD.findall(fold_case(text))
    return frozenset(trigram_token(kind, part) for word in words for part in trigrams(word))


@lru_cache(maxsize=CACHED_TRIGRAMS)
def trigram_token(kind: str, part: str) -> int:
    return token_number(kind, part)


def fold_case(text: str) -> str:
    """Returns a text in lower case, the same for all texts that are equal in lower case on some
    database. Systems differ in the capital letter I with a dot and in the sigma that ends a word.
    """
    lower = text.lower()
    return lower if lower.isascii() else lower.translate(SAME_LETTERS)


def trigrams(word: str) -> list[str]:
    return [word[at : at + TRIGRAM_LENGTH] for at in range(len(word) - TRIGRAM_LENGTH + 1)]


@lru_cache(maxsize=CACHED_TEXTS)
def address_tokens(ip: str) -> frozenset[int]:
    """Returns the tokens of an address and of the networks that it belongs to. PostgreSQL writes
    some addresses in another form than Python.
    """
    address = ip_address(ip)
    found = {token_number("ip", address), token_number("ip", plain_address(ip))}
    for length in PREFIX_LENGTHS[address.version]:
        found.add(network_token(str(address), length))
    return frozenset(found)


def network_token(ip: str, length: int) -> int:
    return token_number("net", ip_network(f"{ip}/{length}", strict=False))


def wanted_address_tokens(value: str) -> list[int]:
    """Returns the token of an address; of a network, the one of the smallest network around it that
    has one.
    """
    if "/" not in value:
        return [token_number("ip", value)]
    network = ip_network(value)
    lengths = PREFIX_LENGTHS[network.version]
    around = [length for length in lengths if length <= network.prefixlen]
    address = str(network.network_address)
    return [network_token(address, around[-1])] if around else []
