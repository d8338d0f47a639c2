"""Reads unambiguous JSON that the database can store.

Refused are a name that is given twice, NaN and the infinities, deep nesting, NUL, and halves of
surrogate pairs.
"""

import json
from collections.abc import Iterable
from functools import partial
from typing import Any

from users.typed_text import is_storable_text

JSON_TEXT_MAX = 100_000  # characters
SHOWN_NAME_MAX = 60  # characters
Keys = tuple[object, ...]


class BadJson(ValueError):
    """A body that is refused. `keys`: the names and indexes that lead to the place, if known."""

    def __init__(self, reason: str, keys: Keys = ()):
        super().__init__(reason)
        self.keys = keys


class UnstorableText(BadJson):
    """A name or a text, in valid JSON, that can't be stored."""


class RepeatedName(BadJson):
    """A name that is given twice in one object."""

    def __init__(self, name: str):
        super().__init__(f"“{shown_name(name)}” is given twice.", (name,))
        self.name = name


def read_strict_json(body: bytes, *, max_depth: int, ignores_case: bool = False) -> Any:
    """Returns the value of a body in UTF-8. Raises BadJson. `ignores_case`: names that differ
    only in their case are the same.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=partial(unique_members, ignores_case=ignores_case),
            parse_constant=refuse_constant,
        )
    except BadJson:
        raise
    except UnicodeDecodeError as error:
        raise BadJson("The body is not UTF-8.") from error
    except RecursionError as error:
        raise nested_too_deeply(max_depth) from error
    except ValueError as error:
        raise BadJson(f"The body is not valid JSON: {error}.") from error
    check_json_value(value, (), max_depth)
    return value


def unique_members(members: list[tuple[str, Any]], *, ignores_case: bool = False) -> dict[str, Any]:
    """Returns the object of these members. Raises RepeatedName."""
    names = set()
    for name, _ in members:
        compared = name.lower() if ignores_case else name
        if compared in names:
            raise RepeatedName(name)
        names.add(compared)
    return dict(members)


def refuse_constant(name: str) -> None:
    """Raises BadJson for NaN and the infinities, which JSON does not have."""
    raise BadJson(f"{name} is not a number in JSON.")


def nested_too_deeply(max_depth: int, keys: Keys = ()) -> BadJson:
    return BadJson(f"The body can be nested at most {max_depth} levels deep.", keys)


def check_json_value(value: Any, keys: Keys, max_depth: int) -> None:
    """Raises BadJson for deep nesting, and for names and texts that can't be stored."""
    if isinstance(value, str):
        check_json_text(value, keys)
    if not isinstance(value, dict | list):
        return
    if len(keys) >= max_depth:
        raise nested_too_deeply(max_depth, keys)
    members: Iterable[tuple[object, Any]] = enumerate(value)
    if isinstance(value, dict):
        members = value.items()
    for key, member in members:
        place = (*keys, key)
        if isinstance(key, str):
            check_json_text(key, place)
        check_json_value(member, place, max_depth)


def check_json_text(text: str, keys: Keys) -> None:
    if not is_storable_text(text):
        raise UnstorableText("This text contains a character that can’t be stored.", keys)
    if len(text) > JSON_TEXT_MAX:
        raise BadJson(f"A text can have at most {JSON_TEXT_MAX:,} characters.", keys)


def shown_name(name: str) -> str:
    """Returns a name for an error: shortened, with “?” for what can't be stored."""
    plain = name.encode(errors="replace").decode().replace("\x00", "?")
    return plain[:SHOWN_NAME_MAX]
