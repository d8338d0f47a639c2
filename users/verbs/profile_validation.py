"""The normal form of a profile, whether its username and address are free, and a clear answer where
they are not.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from users.identifiers import (
    ascii_skeleton,
    normalise_email,
    normalise_name,
    normalise_phone,
    normalise_username,
)
from users.models import State, User
from users.privacy.reservations import RESERVED_MESSAGE, reserved_names

TAKEN_USERNAME = "This username is taken."
TAKEN_EMAIL = "Another account has this address."
IN_BIN_USERNAME = "A deleted account has this username."
IN_BIN_EMAIL = "A deleted account has this address. Restore it instead."
FOREIGN_ADDRESS = (
    "A username with an @ must be the account’s own address,"
    " or it could be mistaken for someone else’s."
)
NORMALISERS = {
    "username": normalise_username,
    "email": normalise_email,
    "first_name": normalise_name,
    "last_name": normalise_name,
    "phone": normalise_phone,
}


def normalise_profile(profile: dict[str, Any]) -> dict[str, Any]:
    """`profile` in normal form, for callers that have no form too. Raises ValidationError by field."""
    values = dict(profile)
    errors = {}
    for name in NORMALISERS.keys() & profile.keys():
        try:
            values[name] = NORMALISERS[name](profile[name])
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    return values


def require_available(username: str, email: str, *, own: User | None = None) -> None:
    """Nothing, or ValidationError by field. Both in normal form; `own` is the account that keeps or
    changes them.
    """
    errors = {}
    if error := username_error(username, email, own):
        errors["username"] = error
    if (
        email
        and (own is None or own.email != email)
        and (holder := User.objects.filter(email=email).first())
    ):
        errors["email"] = IN_BIN_EMAIL if holder.status == State.DELETED else TAKEN_EMAIL
    wanted = {"username": username, "email": email}
    new = {
        name: value for name, value in wanted.items() if own is None or getattr(own, name) != value
    }
    if new and not errors:
        kept = reserved_names(new.values())
        errors = {name: RESERVED_MESSAGE for name, value in new.items() if value in kept}
    if errors:
        raise ValidationError(errors)


def username_error(username: str, email: str, own: User | None) -> str:
    if own and (own.username, own.email) == (username, email):
        return ""
    if (
        "@" in username and username != email
    ):  # also one that was the account's own address until now
        return FOREIGN_ADDRESS
    if own and own.username == username:
        return ""
    others = User.objects.exclude(pk=own.pk) if own else User.objects.all()
    if holder := others.filter(username=username).first():
        return IN_BIN_USERNAME if holder.status == State.DELETED else TAKEN_USERNAME
    looks_like = ascii_skeleton(username)
    twin = others.filter(username=looks_like).first() if looks_like != username else None
    twin = twin or others.filter(lookalike=looks_like).exclude(lookalike="").first()
    return lookalike_error(twin.username) if twin else ""


def lookalike_error(twin: str) -> str:
    return f"This is too similar to the username “{twin}” of another account. Choose another one."


def taken_error(error: IntegrityError) -> ValidationError:
    """The same answer for somebody who lost a race for a name. Raises the error again if it is
    another one.
    """
    text = str(error)
    if "user_username_unique" in text:
        return ValidationError({"username": TAKEN_USERNAME})
    if "user_email_unique" in text:
        return ValidationError({"email": TAKEN_EMAIL})
    raise error
