"""Generates the rows of made-up accounts.

A plan always gives the same rows, on both databases and with any number of processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from users.demo.account_history import HistoryMaker, boolean_text
from users.demo.clock import Clock
from users.demo.weighted_tables import BITS, PersonName, email_domains, people_tables
from users.identifiers import ascii_skeleton, normalise_search_text

ACCOUNT_COLUMNS = (
    "id",
    "username",
    "email",
    "first_name",
    "last_name",
    "phone",
    "locale",
    "time_zone",
    "search_key",
    "name_key",
    "email_domain",
    "lookalike",
    "status",
    "status_reason",
    "suspended_until",
    "valid_until",
    "deleted_at",
    "before_deletion",
    "version",
    "session_epoch",
    "email_verified_at",
    "date_joined",
    "updated_at",
    "last_seen_at",
    "last_login",
    "password",
    "must_change_password",
    "has_second_factor",
    "source",
    "source_id",
    "is_superuser",
    "is_staff",
    "accepts_announcements",
    "attributes",
)
BLOCK_ROWS = 10_000
STAFF_DOMAIN = "example.com"
FREE_MAIL_DOMAIN = "gmail.example"
DEMO_SOURCES = ["crm", "shop", "ldap", "newsletter"]
AccountRow = tuple[str | None, ...]


@dataclass(frozen=True)
class DemoPlan:
    """A plan of `accounts` rows with ids from `first_id`, whose dates joined are in the eight years
    before `until`.

    `rest`: columns that are not in ACCOUNT_COLUMNS, each with the value that every row gets.
    """

    accounts: int
    seed: int
    first_id: int
    until: datetime
    staff: int
    rest: tuple[tuple[str, str | None], ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*ACCOUNT_COLUMNS, *(column for column, _ in self.rest))

    @property
    def blocks(self) -> range:
        return range(0, self.accounts, BLOCK_ROWS)

    @property
    def last_id(self) -> int:
        return self.first_id + self.accounts - 1


def accepts_announcements(pk: int) -> bool:
    """Returns True for three of eight accounts. It follows from the ID, so that the random numbers
    of a plan stay the same.
    """
    return (pk * 2654435761 >> 13) % 8 < 3


class RowMaker:
    """Makes the rows of a plan, block by block.

    Each block has its own random numbers, so processes can make blocks independently. `null` and
    `newline` depend on the reader of the rows: COPY expects escapes, an INSERT the values
    themselves.
    """

    def __init__(self, plan: DemoPlan, null: str | None = None, newline: str = "\n"):
        self.plan = plan
        self.null = null
        self.newline = newline
        self.clock = Clock(plan.until)
        self.cultures = people_tables()
        self.domains = email_domains()
        self.rest = [self.text_or_null(value) for _, value in plan.rest]
        self.staff_every = plan.accounts // plan.staff if plan.staff else plan.accounts + 1

    def text_or_null(self, value: str | None) -> str | None:
        return self.null if value is None else value

    def block(self, start: int) -> Iterator[AccountRow]:
        self.random = Random(f"{self.plan.seed}:{start}")  # noqa: S311  nothing here is a secret
        self.bits = self.random.getrandbits
        self.histories = HistoryMaker(self.plan.accounts, self.bits, self.clock, self.null)
        return map(self.row, range(start, min(start + BLOCK_ROWS, self.plan.accounts)))

    def row(self, number: int) -> AccountRow:
        pk = self.plan.first_id + number
        staff = self.is_staff(number)
        *identity, attributes = self.identity(pk, staff)
        has_email = bool(identity[1])
        history = self.histories.make(number, staff, has_email)
        may_be_imported = not staff and history[0] != "invited"
        return (
            str(pk),
            *identity,
            *history,
            *(self.origin(pk) if may_be_imported else ("", "")),
            "0",
            boolean_text(staff),
            boolean_text(has_email and accepts_announcements(pk)),
            attributes,
            *self.rest,
        )

    def origin(self, pk: int) -> tuple[str, str]:
        """Returns the source and the id there; empty for seven of eight accounts."""
        if self.bits(3):
            return "", ""
        return DEMO_SOURCES[pk & 3], f"{pk:08}"

    def is_staff(self, number: int) -> bool:
        """Spreads the staff accounts evenly over all rows."""
        group, position = divmod(number, self.staff_every)
        return position == self.staff_every // 2 and group < self.plan.staff

    def identity(self, pk: int, staff: bool) -> tuple[str, ...]:
        """Returns the columns from username to lookalike, and the attributes.

        Usernames are unique because each contains the id.
        """
        bits = self.bits
        people = self.cultures[bits(BITS)]
        first = people.first_names[bits(BITS)]
        last = people.last_names[bits(BITS)]
        place = people.places[bits(BITS)]
        username, lookalike, searched = self.username(first, last, pk)
        domain, email = self.email_address(first, last, pk, staff)
        phone = f"{place.prefix}555{bits(23):07}" if bits(2) else ""
        name_key = f"{last.search} {first.search}"
        return (
            username,
            email,
            first.text,
            last.text,
            phone,
            place.locale,
            place.time_zone,
            self.search_key(searched, email, f"{first.search} {last.search}", name_key, phone),
            name_key,
            domain,
            lookalike,
            place.attributes[bits(3)],
        )

    def username(self, first: PersonName, last: PersonName, pk: int) -> tuple[str, str, str]:
        """Returns the username, its ASCII lookalike ("" if equal), and its text for the search."""
        style = self.bits(3)
        if style == 0 and first.own and last.own:
            username = f"{first.own}.{last.own}{pk}"
            skeleton = ascii_skeleton(username)
            lookalike = "" if skeleton == username else skeleton
            return username, lookalike, normalise_search_text(username)
        if style < 4:
            username = f"{first.latin}.{last.latin}{pk}"
        elif style < 6:
            username = f"{first.latin[0]}{last.latin}{pk}"
        elif style == 6:
            username = f"{first.latin}{pk}"
        else:
            username = f"{last.latin}_{first.latin}{pk}"
        return username, "", username

    def email_address(
        self, first: PersonName, last: PersonName, pk: int, staff: bool
    ) -> tuple[str, str]:
        """Returns the domain and the whole address, both empty for one account in 128."""
        bits = self.bits
        if staff:
            return STAFF_DOMAIN, f"{first.latin}.{last.latin}.{pk}@{STAFF_DOMAIN}"
        if bits(7) == 0:
            return "", ""
        domain = FREE_MAIL_DOMAIN if bits(10) < 517 else self.domains[bits(BITS + 3)]
        dot = "." if bits(1) else ""
        return domain, f"{first.latin}{dot}{last.latin}{pk}@{domain}"

    def search_key(
        self, username: str, email: str, name: str, reversed_name: str, phone: str
    ) -> str:
        if reversed_name == name:
            reversed_name = ""
        lines = [username, email, name, reversed_name, phone]
        return self.newline.join([line for line in lines if line])
