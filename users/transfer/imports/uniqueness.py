"""Decides which names the rows of a chunk may take. The rules are those of
users.verbs.profile_validation, with one set of queries for the whole chunk.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from users.email_addresses import email_key
from users.identifiers import ascii_skeleton
from users.models import User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names
from users.transfer.imports.line_index import LineIndex
from users.usernames import RESERVED_USERNAME, is_reserved_username, plain_spelling
from users.verbs.profile_validation import (
    FOREIGN_ADDRESS,
    TAKEN_EMAIL,
    TAKEN_USERNAME,
    lookalike_error,
)

TAKEN_SOURCE = "Another account already has this ID in that system."


# A system and an ID in it.
SourceID = tuple[str, str]


class UniqueNames(NamedTuple):
    """The values of an account that must be unique, as they are compared. `source_id` is None for
    an account without an ID in another system.
    """

    username: str = ""
    email: str = ""
    source_id: SourceID | None = None


class NameClaims:
    """The holders of all names in the rows, updated from row to row.

    A holder is an account's id, or its negative line for an account that is not stored yet.
    `lines` has the names that rows of the file have taken.
    """

    def __init__(
        self,
        usernames: Iterable[str],
        emails: Iterable[str],
        source_ids: Iterable[SourceID],
        lines: LineIndex,
    ):
        self.lines = lines
        names = drop_blank(usernames)
        addresses = drop_blank(map(email_key, emails))
        skeletons = names | set(map(ascii_skeleton, names))
        self.usernames = holders_by_name("username", skeletons)
        self.emails = holders_by_name("email__lower", addresses)
        plain = {plain_spelling(name) for name in names if not name.isascii()}
        self.staff = holders_by_name("username", plain, is_staff=True) if plain else {}
        self.source_ids = holders_by_source_id(source_ids)
        self.reserved = reserved_names(names | addresses)
        # The usernames that have the same skeleton, by account id.
        self.lookalikes: dict[str, dict[int, str]] = defaultdict(dict)
        alike = User.objects.order_by().filter(lookalike__in=skeletons)
        for looks_like, pk, username in alike.values_list("lookalike", "pk", "username"):
            self.lookalikes[looks_like][pk] = username

    def names(self, account: User) -> UniqueNames:
        """Returns the names of an account."""
        return UniqueNames(
            username=account.username,
            email=email_key(account.email),
            source_id=(account.source, account.source_id) if account.source_id else None,
        )

    def take(self, account: User, line: int, before: UniqueNames) -> str:
        """Claims the names of the account for a row and frees those of `before`, which it had until
        now. If it may not have them, it changes nothing and returns the reason.
        """
        names = self.names(account)
        holder = account.pk or -line
        if reason := self.refusal(names, holder, before):
            return reason
        self.usernames.pop(before.username, None)
        self.emails.pop(before.email, None)
        if before.source_id:
            self.source_ids.pop(before.source_id, None)
        self.lookalikes[ascii_skeleton(before.username)].pop(holder, None)
        self.usernames[names.username] = holder
        self.emails[names.email] = holder
        if names.source_id:
            self.source_ids[names.source_id] = holder
        looks_like = ascii_skeleton(names.username)
        if looks_like != names.username:
            self.lookalikes[looks_like][holder] = names.username
        for field, value in names._asdict().items():
            if value and value != getattr(before, field):
                self.lines.add(field, str(value), line)
        return ""

    def refusal(self, names: UniqueNames, holder: int, before: UniqueNames) -> str:
        """Returns all reasons why `holder` may not have these names; "" if it may."""
        problems = []
        if names.username != before.username and (problem := self.username_refusal(names, holder)):
            problems.append(f"username: “{names.username}”: {problem}")
        if names.email != before.email and names.email in self.reserved:
            problems.append(f"email: “{names.email}”: {RESERVED_MESSAGE}")
        if names.email and self.emails.get(names.email, holder) != holder:
            problem = self.taken_message("email", names.email, TAKEN_EMAIL)
            problems.append(f"email: “{names.email}”: {problem}")
        if names.source_id and self.source_ids.get(names.source_id, holder) != holder:
            problem = self.taken_message("source_id", str(names.source_id), TAKEN_SOURCE)
            problems.append(f"source_id: “{names.source_id[1]}”: {problem}")
        return " ".join(problems)

    def username_refusal(self, names: UniqueNames, holder: int) -> str:
        """Returns the reason why `holder` may not have this username; "" if it may."""
        if "@" in names.username and names.username != names.email:
            return FOREIGN_ADDRESS
        if is_reserved_username(names.username):
            return RESERVED_USERNAME
        if names.username in self.reserved:
            return RESERVED_MESSAGE
        return self.taken_refusal(names, holder)

    def taken_refusal(self, names: UniqueNames, holder: int) -> str:
        """Returns the reason if another account has the username, or one like it; else ""."""
        looks_like = ascii_skeleton(names.username)
        if self.usernames.get(names.username, holder) != holder:
            return self.taken_message("username", names.username, TAKEN_USERNAME)
        if self.usernames.get(looks_like, holder) != holder:
            return lookalike_error(looks_like)
        twins = [twin for other, twin in self.lookalikes[looks_like].items() if other != holder]
        if twins:
            return lookalike_error(twins[0])
        return self.colleague_refusal(names.username, holder)

    def colleague_refusal(self, username: str, holder: int) -> str:
        """Returns the reason if only accents tell the username from that of staff; else ""."""
        plain = "" if username.isascii() else plain_spelling(username)
        return lookalike_error(plain) if self.staff.get(plain, holder) != holder else ""

    def taken_message(self, field: str, value: str, otherwise: str) -> str:
        """Returns the reason why a name is taken: the earlier row that has it, or `otherwise` if
        only a stored account does.
        """
        line = self.lines.find(field, value)
        return f"Line {line} has it too." if line else otherwise


def drop_blank(names: Iterable[str]) -> set[str]:
    """Returns the names that are not empty."""
    return set(filter(None, names))


def holders_by_name(field: str, names: set[str], **more: Any) -> dict[str, int]:
    """Returns the ids of the accounts that have one of `names` in `field`, by name."""
    found = User.objects.order_by().filter(**{f"{field}__in": names}, **more)
    return dict(found.values_list(field, "pk"))


def holders_by_source_id(source_ids: Iterable[SourceID]) -> dict[SourceID, int]:
    """Returns the ids of the accounts that have one of these IDs in another system."""
    wanted = {(system, value) for system, value in source_ids if value}
    if not wanted:
        return {}
    systems = {system for system, _ in wanted}
    values = {value for _, value in wanted}
    found = User.objects.order_by().filter(source__in=systems, source_id__in=values)
    rows = found.values_list("source", "source_id", "pk")
    return {(system, value): pk for system, value, pk in rows}
