"""Links an account to an identity at the OpenID Connect provider.

Administrators do it for others, and staff for themselves after they have signed in at the provider.
Both have an event and an email.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.oidc.exchanges import is_enabled
from users.oidc.links import find_link, link_of
from users.oidc.models import OidcLink
from users.row_locks import lock_account
from users.verbs.obstacles import DELETED_OBSTACLES, Obstacle, refuse_obstacle
from users.verbs.transaction import (
    bump_version,
    lock_and_check,
    require_reason,
    save_account,
)

TAKEN = "This ID is already linked to another account."
PROVIDER_OFF = Obstacle(
    sentence="Single sign-on is not set up.",
    blocks=lambda account: not is_enabled(),
)
NOT_STAFF = Obstacle(
    sentence="Only staff accounts sign in with single sign-on.",
    blocks=lambda account: not account.is_staff,
)
ALREADY_LINKED = Obstacle(
    sentence="This account is already linked. Remove the link first.",
    blocks=lambda account: link_of(account) is not None,
    in_row=False,
)
OIDC_LINK_OBSTACLES = (*DELETED_OBSTACLES, PROVIDER_OFF, NOT_STAFF, ALREADY_LINKED)


def add_oidc_link(
    account: User, *, by: Any, subject: str, reason: str, version: int | None = None
) -> User:
    """Links the account to the identity with this subject. Raises ValidationError if that belongs
    to another account.
    """
    reason = require_reason(reason)
    with transaction.atomic():
        current = lock_and_check(account, "manage_links", by=by, version=version)
        with refuse_taken(ValidationError({"subject": TAKEN})):
            store_link(current, subject, by=by, reason=reason)
    return current


def add_own_oidc_link(account: User, subject: str) -> User:
    """Links one's own account to the identity with which one has just signed in at the provider."""
    with transaction.atomic():
        current = lock_account(account)
        with refuse_taken(VerbRefused(TAKEN, current)):
            store_link(current, subject, by=current)
    return current


@contextmanager
def refuse_taken(refusal: Exception) -> Iterator[None]:
    """Raises `refusal` if the block stores a link that another account has."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise refusal from error


def store_link(account: User, subject: str, *, by: Any, reason: str = "") -> None:
    """Stores the link of a locked account, its event and the email."""
    refuse_obstacle(account, OIDC_LINK_OBSTACLES)
    if find_link(subject):
        raise IntegrityError(TAKEN)
    issuer = settings.OIDC.issuer
    OidcLink.objects.create(issuer=issuer, subject=subject, account_id=account.pk)
    bump_version(account)
    save_account(account, update_fields=["version", "updated_at"])
    record_event(
        "account.oidc_linked",
        actor=by,
        target=account,
        after={"issuer": issuer, "subject": subject},
        reason=reason,
    )
    outbox.post_message(Message.Kind.OIDC_LINKED, account)
