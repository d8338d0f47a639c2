"""Which names a chunk of rows may take: the rules of users.verbs.profile_validation, asked of the database
once per chunk.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from users.identifiers import ascii_skeleton
from users.models import User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names
from users.verbs.profile_validation import (
    FOREIGN_ADDRESS,
    TAKEN_EMAIL,
    TAKEN_USERNAME,
    lookalike_error,
)

TAKEN_SOURCE = "Another account already has this ID in that system."


class UniqueNames(NamedTuple):
    """What no two accounts share. `source_id` only where it is one of the system that the file
    comes from.
    """

    username: str = ""
    email: str = ""
    source_id: str = ""


class NameClaims:
    """Who holds the names that the rows want, kept up to date while the rows are taken one after
    another.

    A holder is an account's id, or for an account that is not stored yet any other number.
    """

    def __init__(
        self,
        usernames: Iterable[str],
        emails: Iterable[str],
        source: str,
        source_ids: Iterable[str],
    ):
        usernames, emails, source_ids = (
            set(filter(None, names)) for names in (usernames, emails, source_ids)
        )
        forms = usernames | set(map(ascii_skeleton, usernames))
        rows = User.objects.order_by()
        self.source = source
        self.usernames: dict[str, int] = dict(
            rows.filter(username__in=forms).values_list("username", "pk")
        )
        self.emails: dict[str, int] = dict(rows.filter(email__in=emails).values_list("email", "pk"))
        found = (
            rows.filter(source=source, source_id__in=source_ids)
            if source_ids
            else User.objects.none()
        )
        self.source_ids: dict[str, int] = dict(found.values_list("source_id", "pk"))
        self.reserved = reserved_names(usernames | emails)
        self.lookalikes: dict[str, dict[int, str]] = defaultdict(dict)
        for looks_like, pk, username in rows.filter(lookalike__in=forms).values_list(
            "lookalike", "pk", "username"
        ):
            self.lookalikes[looks_like][pk] = username

    def names(self, account: User) -> UniqueNames:
        return UniqueNames(
            account.username,
            account.email,
            account.source_id if account.source == self.source else "",
        )

    def take(self, account: User, holder: int, before: UniqueNames) -> str:
        """Gives the account its names and frees those of `before`, its own until now. Or says why
        not, and gives nothing.
        """
        names = self.names(account)
        if reason := self.refusal(names, holder, before):
            return reason
        self.usernames.pop(before.username, None)
        self.emails.pop(before.email, None)
        self.source_ids.pop(before.source_id, None)
        self.lookalikes[ascii_skeleton(before.username)].pop(holder, None)
        self.usernames[names.username] = self.emails[names.email] = self.source_ids[
            names.source_id
        ] = holder
        if (looks_like := ascii_skeleton(names.username)) != names.username:
            self.lookalikes[looks_like][holder] = names.username
        return ""

    def refusal(self, names: UniqueNames, holder: int, before: UniqueNames) -> str:
        problems = []
        if names.username != before.username and (problem := self.username_refusal(names, holder)):
            problems.append(f"username: “{names.username}”: {problem}")
        if names.email != before.email and names.email in self.reserved:
            problems.append(f"email: “{names.email}”: {RESERVED_MESSAGE}")
        if names.email and self.emails.get(names.email, holder) != holder:
            problems.append(f"email: “{names.email}”: {TAKEN_EMAIL}")
        if names.source_id and self.source_ids.get(names.source_id, holder) != holder:
            problems.append(f"source_id: “{names.source_id}”: {TAKEN_SOURCE}")
        return " ".join(problems)

    def username_refusal(self, names: UniqueNames, holder: int) -> str:
        looks_like = ascii_skeleton(names.username)
        if "@" in names.username and names.username != names.email:
            return FOREIGN_ADDRESS
        if names.username in self.reserved:
            return RESERVED_MESSAGE
        if self.usernames.get(names.username, holder) != holder:
            return TAKEN_USERNAME
        if self.usernames.get(looks_like, holder) != holder:
            return lookalike_error(looks_like)
        twins = [twin for other, twin in self.lookalikes[looks_like].items() if other != holder]
        return lookalike_error(twins[0]) if twins else ""
