"""Generates the rows of made-up accounts.

A plan always gives the same rows, on both databases and with any number of processes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from users.demo.clock import DAY_MICROSECONDS, HISTORY_MICROSECONDS, Clock
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
    "email_verified_at",
    "date_joined",
    "updated_at",
    "last_seen_at",
    "last_login",
    "deleted_at",
    "version",
    "password",
    "is_superuser",
    "is_staff",
    "must_change_password",
    "has_second_factor",
    "session_epoch",
    "source",
    "source_id",
    "attributes",
)
BLOCK_ROWS = 10_000
STAFF_DOMAIN = "example.com"
FREE_MAIL_DOMAIN = "gmail.example"
# Each account draws a number below 1,024, which decides its status. Numbers from 0 are active,
# those from the following bounds are invited, suspended and deleted.
INVITED_FROM = 952
SUSPENDED_FROM = 972
DELETED_FROM = 1003
REASONS = [
    "Several chargebacks in one week.",
    "Sent unsolicited emails to other members.",
    "The password was in a public leak; waiting for the owner.",
    "Requested by the owner by phone.",
    "Signs of a shared account.",
    "Invoice overdue by 90 days.",
    "Harassed a colleague; see the case file.",
    "Signed in from two continents within an hour.",
]
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
        return map(self.row, range(start, min(start + BLOCK_ROWS, self.plan.accounts)))

    def row(self, number: int) -> AccountRow:
        bits = self.bits
        pk = self.plan.first_id + number
        staff = self.is_staff(number)
        *identity, attributes = self.identity(pk, staff)
        has_email = bool(identity[1])
        imported = not staff and bits(3) == 0
        source = DEMO_SOURCES[pk & 3] if imported else ""
        return (
            str(pk),
            *identity,
            *self.history(number, staff, has_email),
            f"!{bits(160):040x}",  # unusable, as make_password(None) writes it
            "0",
            boolean_text(staff),
            boolean_text(bits(10) == 0),
            boolean_text(staff or bits(7) == 0),
            "0",
            source,
            f"{pk:08}" if imported else "",
            attributes,
            *self.rest,
        )

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

    def history(self, number: int, staff: bool, has_email: bool) -> tuple[str | None, ...]:
        """Returns the columns from status to version."""
        null = self.null
        joined = self.date_joined(number)
        status = 0 if staff else self.bits(10)
        joined_at = self.clock.text(joined)
        verified = self.date_verified(joined, staff, has_email)
        if INVITED_FROM <= status < SUSPENDED_FROM and has_email:
            return ("invited", "", null, null, null, joined_at, joined_at, null, null, null, "1")
        age = HISTORY_MICROSECONDS - joined
        seen = self.last_seen(age, staff)
        if status < SUSPENDED_FROM:
            ends = null
            if not staff and self.bits(5) == 0:
                ends = self.end_of_validity(joined)
            dates = (verified, joined_at, joined_at, seen, seen)
            return ("active", "", null, ends, *dates, null, "1")
        changed = HISTORY_MICROSECONDS - int(age * (self.bits(16) / 65536) ** 2)
        changed_at = self.clock.text(changed)
        if seen is not null and str(seen) > changed_at:
            seen = changed_at
        dates = (verified, joined_at, changed_at, seen, seen)
        if status < DELETED_FROM:
            until = self.end_of_suspension(changed)
            reason = REASONS[self.bits(3)]
            return ("suspended", reason, until, null, *dates, null, "2")
        return ("deleted", "", null, null, *dates, changed_at, "2")

    def date_joined(self, number: int) -> int:
        """Returns the date joined: it rises with the id, out of order by up to three days, with
        more accounts in each year than in the one before.

        One in 32 accounts joined at midnight, as imported ones do.
        """
        share = (number + 1) / self.plan.accounts
        joined = max(0, int(HISTORY_MICROSECONDS * share**0.625) - self.bits(38))
        if self.bits(5) == 0:
            joined = self.clock.midnight(joined)
        return joined

    def date_verified(self, joined: int, staff: bool, has_email: bool) -> str | None:
        if has_email and (staff or self.bits(10) < 900):
            return self.clock.text(min(joined + self.bits(32), HISTORY_MICROSECONDS))
        return self.null

    def last_seen(self, age: int, staff: bool) -> str | None:
        """Returns when an account of this age was last seen, mostly recently; null for one in five,
        but for no staff account.
        """
        if self.bits(10) < 190 and not staff:
            return self.null
        return self.clock.text(HISTORY_MICROSECONDS - int(age * (self.bits(16) / 65536) ** 3))

    def end_of_suspension(self, changed: int) -> str | None:
        """Returns null, or midnight of a day one to ten weeks after the change."""
        if self.bits(1):
            return self.null
        days = 7 + self.bits(6)
        return self.clock.text(self.clock.midnight(changed + DAY_MICROSECONDS * days))

    def end_of_validity(self, joined: int) -> str:
        """Returns midnight of a day 90 to 601 days after the account joined, or after today."""
        start = joined if self.bits(1) else HISTORY_MICROSECONDS
        return self.clock.text(self.clock.midnight(start + DAY_MICROSECONDS * (90 + self.bits(9))))


def boolean_text(value: bool) -> str:
    """Returns a boolean as both databases read it."""
    return "1" if value else "0"
