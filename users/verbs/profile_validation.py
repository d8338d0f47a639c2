"""Validates a profile: its normal form, and that its username and address are free."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from users.email_addresses import email_key
from users.fields import FIELDS, PROFILE_FIELDS
from users.identifiers import ascii_skeleton
from users.models import State, User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names
from users.typed_text import isolate_text
from users.usernames import RESERVED_USERNAME, is_reserved_username, plain_spelling

TAKEN_USERNAME = "This username is taken."
TAKEN_EMAIL = "Another account has this address."
IN_BIN_USERNAME = "A deleted account has this username."
IN_BIN_EMAIL = "A deleted account has this address. Restore it instead."
FOREIGN_ADDRESS = (
    "A username with an @ must be the account’s own address,"
    " or it could be mistaken for someone else’s."
)


def normalise_profile(profile: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of a profile in normal form. Raises ValidationError by field."""
    values = dict(profile)
    errors = {}
    for name in profile.keys() & set(PROFILE_FIELDS):
        normalise = FIELDS[name].normalise
        if normalise is None:
            continue
        try:
            values[name] = normalise(profile[name])
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    return values


def require_available(username: str, email: str, *, own: User | None = None) -> None:
    """Raises ValidationError by field if the username or the address is taken or reserved.

    Both are in normal form. `own` is the account that they are for; None for a new one.
    """
    errors = {}
    if error := username_error(username, email, own):
        errors["username"] = error
    if error := email_error(email, own):
        errors["email"] = error
    new = {"username": username, "email": email}
    if own:
        new = {name: value for name, value in new.items() if getattr(own, name) != value}
    if new and not errors:
        reserved = reserved_names(new.values())
        errors = {name: RESERVED_MESSAGE for name, value in new.items() if value in reserved}
    if errors:
        raise ValidationError(errors)


def email_error(email: str, own: User | None) -> str:
    """Returns the error for an address that another account has; "" if it is free."""
    key = email_key(email)
    if not email or (own and email_key(own.email) == key):
        return ""
    others = User.objects.exclude(pk=own.pk) if own else User.objects.all()
    holder = others.filter(email__lower=key).first()
    if holder is None:
        return ""
    return IN_BIN_EMAIL if holder.status == State.DELETED else TAKEN_EMAIL


def username_error(username: str, email: str, own: User | None) -> str:
    """Returns the error for a username that is taken or misleading; "" if it may be used."""
    if own and (own.username, own.email) == (username, email):
        return ""
    # A username that is the account's former address is refused too.
    if "@" in username and username != email_key(email):
        return FOREIGN_ADDRESS
    if own and own.username == username:
        return ""
    if is_reserved_username(username):
        return RESERVED_USERNAME
    others = User.objects.exclude(pk=own.pk) if own else User.objects.all()
    if holder := others.filter(username=username).first():
        return IN_BIN_USERNAME if holder.status == State.DELETED else TAKEN_USERNAME
    looks_like = ascii_skeleton(username)
    twin = others.filter(username=looks_like).first() if looks_like != username else None
    twin = twin or others.filter(lookalike=looks_like).exclude(lookalike="").first()
    # Accents alone make no difference to the name of a colleague.
    plain = plain_spelling(username)
    if twin is None and plain != username:
        twin = others.filter(username=plain, is_staff=True).first()
    return lookalike_error(twin.username) if twin else ""


def lookalike_error(twin: str) -> str:
    """Returns the error for a username that looks like `twin`."""
    shown = isolate_text(twin)
    return f"This is too similar to the username “{shown}” of another account. Choose another one."


def taken_error(error: IntegrityError) -> ValidationError:
    """Returns the ValidationError for a violated unique constraint of username or email.

    Another request can take the name between the check and the save. Raises `error` again if it is
    about anything else.
    """
    text = str(error)
    if "user_username_unique" in text:
        return ValidationError({"username": TAKEN_USERNAME})
    if "user_email_unique" in text:
        return ValidationError({"email": TAKEN_EMAIL})
    raise error
