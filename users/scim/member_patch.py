"""Reads a PATCH that only adds members to a group and removes some by their IDs.

Nearly all PATCH requests on groups are like this. They are applied without the other members, of
whom there may be a hundred thousand: scim2-models would read all of them, and compare each with
each value to remove.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MEMBERS = "members"
GROUP_PREFIX = "urn:ietf:params:scim:schemas:core:2.0:group:"
ONE_MEMBER = re.compile(r'members\[value eq "([^"\\]*)"\]', re.IGNORECASE)
# What else providers say about a member. Only its value counts.
MEMBER_PARTS = {"value", "$ref", "display", "type"}


@dataclass(frozen=True)
class MemberDelta:
    """The values of the members to add and to remove."""

    added: frozenset[str]
    removed: frozenset[str]


def read_member_delta(patch: Any) -> MemberDelta | None:
    """Returns what the operations of a PATCH add and remove, one after the other; None if any of
    them does something else.
    """
    added: set[str] = set()
    removed: set[str] = set()
    for operation in getattr(patch, "operations", None) or []:
        values = operation_members(operation)
        if values is None:
            return None
        if operation.op == operation.Op.add:
            added |= values
            removed -= values
        else:
            removed |= values
            added -= values
    return MemberDelta(frozenset(added), frozenset(removed)) if added or removed else None


def operation_members(operation: Any) -> set[str] | None:
    """Returns the values of the members that an operation adds or removes; None for any other."""
    path = str(operation.path or "").lower().removeprefix(GROUP_PREFIX)
    is_removal = operation.op == operation.Op.remove
    if is_removal and operation.value is None and (named := ONE_MEMBER.fullmatch(path)):
        return {named[1]}
    if path != MEMBERS or operation.op == operation.Op.replace_:
        return None
    entries = operation.value if isinstance(operation.value, list) else [operation.value]
    # A removal by other parts than the value compares them.
    known_parts = {"value"} if is_removal else MEMBER_PARTS
    if not entries or not all(is_plain_member(entry, known_parts) for entry in entries):
        return None
    return set(entry_values(entries))


def is_plain_member(entry: Any, known_parts: set[str]) -> bool:
    if not isinstance(entry, dict) or not entry.keys() <= known_parts:
        return False
    return isinstance(entry.get("value"), str)


def entry_values(entries: list[dict[str, Any]]) -> Iterator[str]:
    return (entry["value"] for entry in entries)
