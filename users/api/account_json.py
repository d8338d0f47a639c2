"""The fields of an account as the API shows them: one declaration each, in the order of the JSON.

Lists, the detail, `fields=` and the description read them. Values come from the account as the
viewer may see it, so a masked one is masked here too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from users.database.clock import utc_text
from users.models import User
from users.role_grants import groups_in_effect

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
NUMBER = {"type": "integer"}
TIME = {"type": ["string", "null"], "format": "date-time"}


@dataclass(frozen=True, kw_only=True)
class AccountField:
    """One field. `in_lists`: lists can have it; `is_lean`: they have it without `fields=`."""

    name: str
    schema: dict[str, Any]
    example: Any
    description: str = ""
    # Returns the value from the account; by default that of the attribute with this name.
    read: Callable[[User], Any] | None = None
    in_lists: bool = True
    is_lean: bool = False

    @property
    def reader(self) -> Callable[[User], Any]:
        """The function from an account to the value in JSON."""
        if self.read:
            return self.read
        get_value = attrgetter(self.name)
        if self.schema is TIME:
            return lambda account: utc_text(get_value(account))
        return get_value


def account_role_names(account: User) -> list[str]:
    return list(groups_in_effect(account.pk).order_by("name").values_list("name", flat=True))


ACCOUNT_JSON = (
    AccountField(
        name="id",
        schema=NUMBER,
        example=417,
        is_lean=True,
    ),
    AccountField(
        name="username",
        schema=TEXT,
        example="ada",
        is_lean=True,
    ),
    AccountField(
        name="email",
        schema=TEXT,
        example="ada@example.com",
        is_lean=True,
    ),
    AccountField(
        name="first_name",
        schema=TEXT,
        example="Ada",
        is_lean=True,
    ),
    AccountField(
        name="last_name",
        schema=TEXT,
        example="Lovelace",
        is_lean=True,
    ),
    AccountField(
        name="phone",
        schema=TEXT,
        example="+4420797946",
    ),
    AccountField(
        name="status",
        schema=TEXT,
        example="active",
        description="As of now: a suspension or an end date that has passed counts.",
        read=lambda account: account.state.value,
        is_lean=True,
    ),
    AccountField(
        name="status_reason",
        schema=TEXT,
        example="",
        in_lists=False,
    ),
    AccountField(
        name="suspended_until",
        schema=TIME,
        example=None,
    ),
    AccountField(
        name="valid_until",
        schema=TIME,
        example=None,
        description="The end date.",
    ),
    AccountField(
        name="deleted_at",
        schema=TIME,
        example=None,
        in_lists=False,
    ),
    AccountField(
        name="locale",
        schema=TEXT,
        example="en",
        in_lists=False,
    ),
    AccountField(
        name="time_zone",
        schema=TEXT,
        example="Europe/London",
        in_lists=False,
    ),
    AccountField(
        name="accepts_announcements",
        schema=FLAG,
        example=False,
    ),
    AccountField(
        name="email_verified_at",
        schema=TIME,
        example="2026-03-31T12:00:00Z",
    ),
    AccountField(
        name="email_bounced_at",
        schema=TIME,
        example=None,
    ),
    AccountField(
        name="must_change_password",
        schema=FLAG,
        example=False,
    ),
    AccountField(
        name="has_second_factor",
        schema=FLAG,
        example=True,
    ),
    AccountField(
        name="is_staff",
        schema=FLAG,
        example=False,
    ),
    AccountField(
        name="is_superuser",
        schema=FLAG,
        example=False,
    ),
    AccountField(
        name="roles",
        schema={"type": "array", "items": TEXT},
        example=[],
        description="The names of the roles in effect.",
        read=account_role_names,
        in_lists=False,
    ),
    AccountField(
        name="owner_id",
        schema={"type": ["integer", "null"]},
        example=None,
        description="The person who is responsible for a service account.",
    ),
    AccountField(
        name="source",
        schema=TEXT,
        example="hr",
    ),
    AccountField(
        name="source_id",
        schema=TEXT,
        example="e-1815",
    ),
    AccountField(
        name="attributes",
        schema={"type": "object"},
        example={"team": "engines"},
        in_lists=False,
    ),
    AccountField(
        name="date_joined",
        schema=TIME,
        example="2026-03-31T12:00:00Z",
        is_lean=True,
    ),
    AccountField(
        name="last_seen_at",
        schema=TIME,
        example="2026-04-02T08:30:00Z",
        description="It may be an hour old.",
        is_lean=True,
    ),
    AccountField(
        name="updated_at",
        schema=TIME,
        example="2026-03-31T12:00:00Z",
        in_lists=False,
    ),
    AccountField(
        name="version",
        schema=NUMBER,
        example=3,
        description="Raised by each change. Send it back with a change.",
        is_lean=True,
    ),
)
DETAIL_FIELDS = {field.name: field for field in ACCOUNT_JSON}
LIST_FIELDS = {field.name: field for field in ACCOUNT_JSON if field.in_lists}
LEAN_FIELDS = tuple(field.name for field in ACCOUNT_JSON if field.is_lean)
READERS = {field.name: field.reader for field in ACCOUNT_JSON}


def account_rows_json(accounts: list[User], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Returns the fields of each account. Values are read one by one, which takes a tenth of the
    time of a serializer.
    """
    readers = [READERS[name] for name in names]
    rows = []
    for account in accounts:
        values = [read(account) for read in readers]
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def account_detail(account: User, names: tuple[str, ...] = tuple(DETAIL_FIELDS)) -> dict[str, Any]:
    """Returns the named fields of one account; all of them by default."""
    (found,) = account_rows_json([account], names)
    return found
