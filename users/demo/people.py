"""Made-up accounts, row by row: the same plan gives the same rows, on both databases and in any
number of processes.
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
    """A plan of demo accounts: `accounts` rows with ids from `first_id`, who joined in the eight
    years before `until`.

    `rest`: columns that nothing here is known of, with the one value that every row gets.
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
    """Makes the rows of a plan, block by block. Each block has its own random numbers, so blocks
    can be made anywhere.

    `null` and `newline` are how the reader of the rows wants them: COPY takes escapes, a statement
    takes the real ones.
    """

    def __init__(self, plan: DemoPlan, null: str | None = None, newline: str = "\n"):
        self.plan = plan
        self.null = null
        self.newline = newline
        self.clock = Clock(plan.until)
        self.peoples = people_tables()
        self.domains = email_domains()
        self.rest = [null if value is None else value for _, value in plan.rest]
        self.staff_every = plan.accounts // plan.staff if plan.staff else plan.accounts + 1

    def block(self, start: int) -> Iterator[AccountRow]:
        self.random = Random(f"{self.plan.seed}:{start}")  # noqa: S311  nothing here is a secret
        self.bits = self.random.getrandbits
        return map(self.row, range(start, min(start + BLOCK_ROWS, self.plan.accounts)))

    def row(self, number: int) -> AccountRow:
        bits = self.bits
        pk = self.plan.first_id + number
        staff = (
            number % self.staff_every == self.staff_every // 2
            and number // self.staff_every < self.plan.staff
        )
        *who, attributes = self.identity(pk, staff)
        from_elsewhere = not staff and bits(3) == 0
        return (
            str(pk),
            *who,
            *self.history(number, staff, bool(who[1])),
            f"!{bits(160):040x}",  # unusable, as make_password(None) writes it
            "0",
            "1" if staff else "0",
            "1" if bits(10) == 0 else "0",
            "1" if staff or bits(7) == 0 else "0",
            "0",
            DEMO_SOURCES[pk & 3] if from_elsewhere else "",
            f"{pk:08}" if from_elsewhere else "",
            attributes,
            *self.rest,
        )

    def identity(self, pk: int, staff: bool) -> tuple[str, ...]:
        """The columns from username to lookalike, and the attributes. The id in a username keeps it
        apart from all others.
        """
        bits = self.bits
        people = self.peoples[bits(BITS)]
        first = people.first_names[bits(BITS)]
        last = people.last_names[bits(BITS)]
        place = people.places[bits(BITS)]
        username, looks_like, searched = self.username(first, last, pk)
        if staff:
            domain = STAFF_DOMAIN
            email = f"{first.latin}.{last.latin}.{pk}@{domain}"
        elif bits(7) == 0:
            domain = email = ""
        else:
            domain = "gmail.example" if bits(10) < 517 else self.domains[bits(BITS + 3)]
            email = f"{first.latin}{'.' if bits(1) else ''}{last.latin}{pk}@{domain}"
        phone = f"{place.prefix}555{bits(23):07}" if bits(2) else ""
        one = f"{first.search} {last.search}"
        other = f"{last.search} {first.search}"
        lines = [searched, email, one, other if other != one else "", phone]
        return (
            username,
            email,
            first.text,
            last.text,
            phone,
            place.locale,
            place.time_zone,
            self.newline.join([line for line in lines if line]),
            other,
            domain,
            looks_like,
            place.attributes[bits(3)],
        )

    def username(self, first: PersonName, last: PersonName, pk: int) -> tuple[str, str, str]:
        """The username, what it looks like in ASCII ("" for itself), and how it is searched."""
        style = self.bits(3)
        if style == 0 and first.own and last.own:
            username = f"{first.own}.{last.own}{pk}"
            looks_like = ascii_skeleton(username)
            return (
                username,
                "" if looks_like == username else looks_like,
                normalise_search_text(username),
            )
        if style < 4:
            username = f"{first.latin}.{last.latin}{pk}"
        elif style < 6:
            username = f"{first.latin[0]}{last.latin}{pk}"
        else:
            username = f"{first.latin}{pk}" if style == 6 else f"{last.latin}_{first.latin}{pk}"
        return username, "", username

    def history(self, number: int, staff: bool, email: bool) -> tuple[str | None, ...]:
        """The columns from status to version. Dates joined follow the ids, ever more of them per
        year, out of step by days.
        """
        bits = self.bits
        null = self.null
        text = self.clock.text
        joined = max(
            0, int(HISTORY_MICROSECONDS * ((number + 1) / self.plan.accounts) ** 0.625) - bits(38)
        )
        if bits(5) == 0:
            joined = self.clock.midnight(joined)
        status = 0 if staff else bits(10)
        then = text(joined)
        verified = (
            text(min(joined + bits(32), HISTORY_MICROSECONDS))
            if email and (staff or bits(10) < 900)
            else null
        )
        if 952 <= status < 972 and email:
            return ("invited", "", null, null, null, then, then, null, null, null, "1")
        gap = HISTORY_MICROSECONDS - joined
        seen = (
            null
            if bits(10) < 190 and not staff
            else text(HISTORY_MICROSECONDS - int(gap * (bits(16) / 65536) ** 3))
        )
        if status < 972:
            ends = self.end_of_validity(joined) if not staff and bits(5) == 0 else null
            return ("active", "", null, ends, verified, then, then, seen, seen, null, "1")
        changed = HISTORY_MICROSECONDS - int(gap * (bits(16) / 65536) ** 2)
        at = text(changed)
        if seen is not null and str(seen) > at:
            seen = at
        if status < 1003:
            until = (
                null
                if bits(1)
                else text(self.clock.midnight(changed + DAY_MICROSECONDS * (7 + bits(6))))
            )
            reason = REASONS[bits(3)]
            return ("suspended", reason, until, null, verified, then, at, seen, seen, null, "2")
        return ("deleted", "", null, null, verified, then, at, seen, seen, at, "2")

    def end_of_validity(self, joined: int) -> str:
        """Half of them by now or soon, counted from the start of a contract; half in the coming
        months.
        """
        start = joined if self.bits(1) else HISTORY_MICROSECONDS
        return self.clock.text(self.clock.midnight(start + DAY_MICROSECONDS * (90 + self.bits(9))))
