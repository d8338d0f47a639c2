"""The normal forms of what a row may say about access: its password, roles, end date and status;
and of what only the row of an archive says.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.timezone import get_default_timezone, is_naive, make_aware

from users.identifiers import normalise_flag
from users.models import State
from users.notes.changes import clean_text
from users.passwords.exceptions import ForeignHashError
from users.passwords.foreign_hashes import encode_foreign_hash, hash_kind
from users.typed_text import is_storable_text
from users.verbs.transaction import clean_reason

PASSWORD_MAX = 4096  # characters
GROUP_SEPARATORS = re.compile(r"[\n\r;|]")
ROW_STATUSES = (State.ACTIVE, State.SUSPENDED, State.INVITED)
PLAIN_KIND = "plain text"
DATE_MESSAGE = "Enter a date such as 2027-01-31."


class RowPassword(NamedTuple):
    """The password of a row: a stored hash, or a plain text that is still to be hashed. Without
    either, `problem` says why the password must be reset.
    """

    encoded: str = ""
    plain: str = ""
    kind: str = ""
    problem: str = ""


def read_hash(value: str) -> RowPassword:
    """Returns the password of a hash. One that can't be used is no fault of its row."""
    try:
        encoded = encode_foreign_hash(value)
    except ForeignHashError as error:
        return RowPassword(problem=error.reason)
    return RowPassword(encoded=encoded, kind=hash_kind(encoded))


def read_plain_password(value: str) -> RowPassword:
    """Returns the password of a plain text. Raises ValidationError if it is too long."""
    if len(value) > PASSWORD_MAX:
        raise ValidationError(f"A password can have at most {PASSWORD_MAX:,} characters.")
    if not is_storable_text(value):
        raise ValidationError("This password contains a character that can’t be typed.")
    return RowPassword(plain=value, kind=PLAIN_KIND)


def read_role_names(value: str) -> list[str]:
    """Returns the names in a text, without repetitions."""
    names = map(str.strip, GROUP_SEPARATORS.split(value))
    return list(dict.fromkeys(filter(None, names)))


def read_end_date(value: str) -> datetime:
    """Returns the moment at which an account expires: the end of a day, or a given time. Raises
    ValidationError.
    """
    return read_moment(value, days=1)


def read_moment(value: str, days: int = 0) -> datetime:
    """Returns a given time, or the start of a day. `days` are added to a day. Raises
    ValidationError.
    """
    try:
        day = parse_date(value)
        moment = None if day else parse_datetime(value)
        if day:
            moment = datetime.combine(day + timedelta(days=days), datetime.min.time())
        if moment is None:
            raise ValidationError(DATE_MESSAGE, code="invalid")
        return make_aware(moment, get_default_timezone()) if is_naive(moment) else moment
    except (ValueError, OverflowError) as error:
        raise ValidationError(DATE_MESSAGE, code="invalid") from error


def read_verification(value: str) -> bool | datetime:
    """Returns whether an address is verified, or when it was. Raises ValidationError."""
    try:
        return normalise_flag(value)
    except ValidationError:
        pass
    try:
        return read_moment(value)
    except ValidationError as error:
        raise ValidationError("Enter yes, no or a date.", code="invalid") from error


def read_row_status(value: str) -> str:
    """Returns the status of a new account. Raises ValidationError."""
    status = value.casefold()
    if status not in ROW_STATUSES:
        raise ValidationError("Enter active, suspended or invited.", code="invalid")
    return str(status)


ACCESS_FIELD_FORMS: dict[str, Callable[[str], Any]] = {
    "password_hash": read_hash,
    "password": read_plain_password,
    "groups": read_role_names,
    "valid_until": read_end_date,
    "status": read_row_status,
    "email_verified": read_verification,
    "note": clean_text,
}
# Targets that only a Rollcall archive provides, for new accounts.
ARCHIVE_FIELD_FORMS: dict[str, Callable[[str], Any]] = {
    "status_reason": clean_reason,
    "suspended_until": read_moment,
    "must_change_password": normalise_flag,
    "email_bounced": read_moment,
    "joined": read_moment,
    "last_login": read_moment,
    "last_seen": read_moment,
}
# Their values are in no message.
SECRET_TARGETS = ("password_hash", "password")
