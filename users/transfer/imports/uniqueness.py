"""Decides which names the rows of a chunk may take. The rules are those of
users.verbs.profile_validation, with one set of queries for the whole chunk.

A name that an account of the chunk gives up is free for the others, so that two rows can exchange
their names.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from users.email_addresses import email_key
from users.identifiers import ascii_skeleton
from users.models import User
from users.privacy.reservations import RESERVED_MESSAGE
from users.transfer.imports.line_index import LineIndex
from users.transfer.imports.name_lookups import (
    SourceID,
    holders_by_name,
    holders_by_source_id,
    reserved_among,
    staff_with_plain_names,
    stored_lookalikes,
)
from users.transfer.imports.target_labels import field_at_start, field_in_sentence
from users.usernames import RESERVED_USERNAME, is_reserved_username, plain_spelling
from users.verbs.profile_validation import (
    FOREIGN_ADDRESS,
    TAKEN_EMAIL,
    TAKEN_USERNAME,
    lookalike_error,
)

TAKEN_SOURCE = "Another account already has this ID in that system."
LOOKALIKE = "lookalike"
# A kind of name, which is a field of UniqueNames, and a name.
Claim = tuple[str, Any]


class UniqueNames(NamedTuple):
    """The values of an account that must be unique, as they are compared. `source_id` is None for
    an account without an ID in another system.
    """

    username: str = ""
    email: str = ""
    source_id: SourceID | None = None

    def claims(self) -> Iterator[Claim]:
        """Yields the names that are not empty, with their kinds."""
        pairs = zip(self._fields, self, strict=True)
        return (pair for pair in pairs if pair[1])


NO_NAMES = UniqueNames()


@dataclass(slots=True)
class NameRequest:
    """The names that a row wants for its account."""

    line: int
    # None for a new account.
    account_id: int | None
    # The names that the row has itself.
    given: UniqueNames
    wanted: UniqueNames
    held: UniqueNames = NO_NAMES
    # Set by NameClaims.settle: why the account can't have the names, and whether the row is about
    # several accounts.
    refusal: str = ""
    is_ambiguous: bool = False
    # Set by NameClaims.settle: whether another account could still give up a name that is refused.
    is_waiting: bool = False

    @property
    def holder(self) -> int:
        """The id of the account, or the negative line of the row for a new account."""
        return self.account_id or -self.line

    def new_claims(self) -> list[Claim]:
        """Returns the names that the account does not have yet."""
        if self.account_id is None:
            return list(self.wanted.claims())
        held = set(self.held.claims())
        return [claim for claim in self.wanted.claims() if claim not in held]

    def given_up(self) -> list[Claim]:
        """Returns the names that the account has and will not have."""
        if self.account_id is None or self.wanted == self.held:
            return []
        wanted = set(self.wanted.claims())
        return [claim for claim in self.held.claims() if claim not in wanted]


def unique_names(username: str, email: str, source: str, source_id: str) -> UniqueNames:
    """Returns these names as they are compared."""
    pair = (source, source_id) if source_id else None
    return UniqueNames(username, email_key(email), pair)


def names_of_account(account: User) -> UniqueNames:
    """Returns the names of an account."""
    return unique_names(
        account.username,
        account.email,
        account.source,
        account.source_id,
    )


class NameClaims:
    """The holders of all names in the requests, updated from request to request.

    `lines` has the names that rows of the file have taken and given up. `is_stored`: whether the
    database has the changes of earlier rows, unlike in a dry run. `by_command`: whether reasons are
    those of the command.
    """

    def __init__(
        self,
        requests: list[NameRequest],
        lines: LineIndex,
        *,
        is_stored: bool,
        by_command: bool = False,
    ):
        self.by_command = by_command
        self.requests = requests
        self.lines = lines
        self.is_stored = is_stored
        given: list[Claim] = []
        for request in requests:
            given += request.wanted.claims()
            given += request.given.claims()
        names = names_of_kind("username", given)
        addresses = names_of_kind("email", given)
        source_ids = names_of_kind("source_id", given)
        skeletons = names | set(map(ascii_skeleton, names))
        self.stored: dict[Claim, int] = {}
        self.add_holders("username", holders_by_name("username", skeletons))
        self.add_holders("email", holders_by_name("email__lower", addresses))
        self.add_holders("source_id", holders_by_source_id(source_ids))
        self.staff = staff_with_plain_names(names)
        self.reserved = reserved_among(names | addresses)
        # The usernames that have the same skeleton, by account id.
        self.lookalikes = stored_lookalikes(skeletons)
        if not is_stored:
            self.apply_lines(given, skeletons)
        self.reset(set())

    def add_holders(self, kind: str, found: dict[Any, int]) -> None:
        for name, holder in found.items():
            claim = (kind, name)
            self.stored[claim] = holder

    def apply_lines(self, given: list[Claim], skeletons: set[str]) -> None:
        """Changes the holders as if the earlier rows of the file were stored."""
        claims = set(given)
        claims.update(("username", name) for name in skeletons)
        self.lines.load(map(line_index_key, claims))
        self.lines.load((LOOKALIKE, name) for name in skeletons)
        for claim in claims:
            line = self.lines.find(*line_index_key(claim))
            if line:
                self.stored.pop(claim, None)
            if line > 0:
                self.stored[claim] = -line

    def settle(self) -> None:
        """Decides about all requests in their order, and records the names that they take.

        A request that is refused keeps the names that it would have given up, so those that have
        taken them are decided again.
        """
        unchanged: set[int] = set()
        while True:
            self.reset(unchanged)
            for request in self.requests:
                self.decide(request)
            refused = {each.holder for each in self.updates() if each.refusal}
            if refused <= unchanged:
                break
            unchanged |= self.dependent_accounts()
        for request in self.requests:
            request.is_waiting = bool(request.refusal) and self.may_be_freed(request)
        self.record_lines()

    def dependent_accounts(self) -> set[int]:
        """Returns the accounts whose requests are refused, and those that have taken a name from
        them, directly or through others.
        """
        found: set[int] = set()
        queue = [each for each in self.updates() if each.refusal]
        while queue:
            request = queue.pop()
            if request.holder in found:
                continue
            found.add(request.holder)
            takers = [self.taken.get(claim) for claim in request.given_up()]
            queue += [taker for taker in takers if taker and taker.account_id]
        return found

    def may_be_freed(self, request: NameRequest) -> bool:
        """Returns whether a stored account has a name that a request wants, and no row of the file
        has given it to that account.
        """
        for claim in request.new_claims():
            holder = self.holder_of(claim)
            if holder not in (0, request.holder) and not self.taken_line(claim):
                return True
        return False

    def updates(self) -> list[NameRequest]:
        """Returns the requests for existing accounts."""
        return [each for each in self.requests if each.account_id]

    def reset(self, unchanged: set[int]) -> None:
        """Forgets all decisions. `unchanged`: accounts that keep their names."""
        self.taken: dict[Claim, NameRequest] = {}
        self.taken_lookalikes: dict[str, list[NameRequest]] = defaultdict(list)
        self.free: set[Claim] = set()
        for request in self.updates():
            if request.holder not in unchanged:
                self.free.update(request.given_up())

    def decide(self, request: NameRequest) -> None:
        """Claims the names of a request and frees those that it gives up; or sets the reason why it
        may not have them.
        """
        request.refusal = self.refusal(request)
        request.is_ambiguous = False
        if request.refusal or request.account_id:
            self.find_ambiguity(request)
        if request.refusal:
            return
        self.free.update(request.given_up())
        for claim in request.new_claims():
            self.taken[claim] = request
        username = request.wanted.username
        if not username.isascii():
            skeleton = ascii_skeleton(username)
            self.taken_lookalikes[skeleton].append(request)

    def find_ambiguity(self, request: NameRequest) -> None:
        """Refuses a request if the names in its row are those of several stored accounts."""
        found: dict[int, list[str]] = defaultdict(list)
        for claim in request.given.claims():
            kind, _ = claim
            holder = self.matched_account(claim, request)
            if holder:
                found[holder].append(kind)
        if request.account_id:
            found.setdefault(request.account_id, [])
        if len(found) > 1:
            request.is_ambiguous = True
            reason = ambiguous_reason(found, by_command=self.by_command)
            request.refusal = f"{reason} {request.refusal}".rstrip()

    def matched_account(self, claim: Claim, request: NameRequest) -> int:
        """Returns the account that had a name before the import, if it keeps it; else 0."""
        holder = self.stored.get(claim, 0)
        if holder == request.account_id:
            return holder
        if holder < 1 or claim in self.free or self.taken_line(claim):
            return 0
        return holder

    def record_lines(self) -> None:
        """Records the names that rows have given up and taken, for the rest of the file."""
        accepted = [each for each in self.requests if not each.refusal]
        for request in accepted:
            for claim in request.given_up():
                self.lines.put(*line_index_key(claim), -request.line)
        for request in accepted:
            for claim in request.new_claims():
                self.lines.put(*line_index_key(claim), request.line)
            username = request.wanted.username
            if not username.isascii() and username != request.held.username:
                skeleton = ascii_skeleton(username)
                self.lines.put(LOOKALIKE, skeleton, request.line)

    def holder_of(self, claim: Claim) -> int:
        """Returns the holder of a name, or 0."""
        taken = self.taken.get(claim)
        if taken:
            return taken.holder
        if claim in self.free:
            return 0
        return self.stored.get(claim, 0)

    def is_taken(self, claim: Claim, request: NameRequest) -> bool:
        """Returns whether another account than that of the request has the name."""
        return self.holder_of(claim) not in (0, request.holder)

    def taken_line(self, claim: Claim) -> int:
        """Returns the line of the row that has taken a name; 0 if only a stored account has it."""
        if taken := self.taken.get(claim):
            return taken.line
        return max(self.lines.find(*line_index_key(claim)), 0)

    def refusal(self, request: NameRequest) -> str:
        """Returns all reasons why a request can't have its names; "" if it can."""
        problems = []
        username, email, source_id = request.wanted
        if username != request.held.username and (problem := self.username_refusal(request)):
            problems.append(self.name_problem("username", username, problem))
        if email != request.held.email and email in self.reserved:
            problems.append(self.name_problem("email", email, RESERVED_MESSAGE))
        address_claim = ("email", email)
        if email and self.is_taken(address_claim, request):
            problem = self.taken_message(address_claim, TAKEN_EMAIL)
            problems.append(self.name_problem("email", email, problem))
        id_claim = ("source_id", source_id)
        if source_id and self.is_taken(id_claim, request):
            problem = self.taken_message(id_claim, TAKEN_SOURCE)
            problems.append(self.name_problem("source_id", source_id[1], problem))
        return " ".join(problems)

    def name_problem(self, kind: str, name: str, problem: str) -> str:
        field = field_at_start(kind, by_command=self.by_command)
        return f"{field}: “{name}”: {problem}"

    def username_refusal(self, request: NameRequest) -> str:
        """Returns the reason why an account may not have its new username; "" if it may."""
        username = request.wanted.username
        if "@" in username and username != request.wanted.email:
            return FOREIGN_ADDRESS
        if is_reserved_username(username):
            return RESERVED_USERNAME
        if username in self.reserved:
            return RESERVED_MESSAGE
        claim = ("username", username)
        if self.is_taken(claim, request):
            return self.taken_message(claim, TAKEN_USERNAME)
        return self.lookalike_refusal(username, request)

    def lookalike_refusal(self, username: str, request: NameRequest) -> str:
        """Returns the reason if another account has a username like this one; else ""."""
        looks_like = ascii_skeleton(username)
        if looks_like != username and self.is_taken(("username", looks_like), request):
            return lookalike_error(looks_like)
        for pk, similar in self.lookalikes.get(looks_like, {}).items():
            if pk != request.holder and ("username", similar) not in self.free:
                return lookalike_error(similar)
        for other in self.taken_lookalikes.get(looks_like, ()):
            if other is not request:
                return lookalike_error(other.wanted.username)
        if not self.is_stored and (line := self.lines.find(LOOKALIKE, looks_like)) > 0:
            return f"This is too similar to the username of line {line}. Choose another one."
        # Accents alone make no difference to the name of a colleague.
        plain = "" if username.isascii() else plain_spelling(username)
        colleague = self.staff.get(plain, request.holder)
        return "" if colleague == request.holder else lookalike_error(plain)

    def taken_message(self, claim: Claim, otherwise: str) -> str:
        """Returns the reason why a name is taken: the earlier row that has it, or `otherwise` if
        only a stored account does.
        """
        line = self.taken_line(claim)
        return f"Line {line} has it too." if line else otherwise


def line_index_key(claim: Claim) -> tuple[str, str]:
    """Returns a claim as LineIndex has it."""
    kind, name = claim
    return kind, name if kind != "source_id" else "\x00".join(name)


def names_of_kind(kind: str, claims: list[Claim]) -> set[Any]:
    """Returns the names of one kind."""
    return {name for each, name in claims if each == kind}


def ambiguous_reason(found: dict[int, list[str]], *, by_command: bool) -> str:
    """Returns the sentence about a row that matches several accounts. `found`: the fields by which
    it matches them, by account id.
    """
    parts = []
    for pk, kinds in found.items():
        names = [field_in_sentence(kind, by_command=by_command) for kind in kinds]
        by = f" by {' and '.join(names)}" if names else ""
        parts.append(f"account {pk}{by}")
    return f"This row matches {len(found)} accounts: {', '.join(parts)}."
