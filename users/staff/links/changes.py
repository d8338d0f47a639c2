"""Adds and removes links of accounts to identities at the OpenID Connect provider.

Administrators do it for others, and staff for themselves after they have signed in at the provider.
Each change has an event and an email.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from users import access
from users.audit.record import record_event
from users.exceptions import VerbRefused
from users.mail import outbox
from users.mail.models import Message
from users.models import User
from users.oidc.exchanges import is_enabled
from users.oidc.links import find_link, link_of
from users.oidc.models import OidcLink
from users.row_locks import lock_account
from users.sessions import store as sessions
from users.sessions.local_sign_in import must_use_provider
from users.verbs.obstacles import DELETED_OBSTACLES, SERVICE, Obstacle, refuse_obstacle
from users.verbs.transaction import bump_version, require_reason, save_account

ACTION = "manage_links"
LINKED, UNLINKED = "account.oidc_linked", "account.oidc_unlinked"
TAKEN = "This ID is already linked to another account."
PROVIDER_OFF = Obstacle(
    sentence="Single sign-on is not set up.",
    blocks=lambda account: not is_enabled(),
)
NOT_STAFF = Obstacle(
    sentence="Only staff can use single sign-on.",
    blocks=lambda account: not account.is_staff,
)
ALREADY_LINKED = Obstacle(
    sentence="This account is already linked. Remove the link first.",
    blocks=lambda account: link_of(account) is not None,
)
NOT_LINKED = Obstacle(
    sentence="This account is not linked to single sign-on.",
    blocks=lambda account: link_of(account) is None,
)
LINK_OBSTACLES = (*DELETED_OBSTACLES, PROVIDER_OFF, SERVICE, NOT_STAFF, ALREADY_LINKED)
UNLINK_OBSTACLES = (*DELETED_OBSTACLES, PROVIDER_OFF, NOT_LINKED)


def link_account(account: User, *, by: Any, subject: str, reason: str) -> User:
    """Links the account to the identity with this subject. Raises ValidationError if that belongs
    to another account.
    """
    reason = require_reason(reason)
    with transaction.atomic():
        current = lock_account(account)
        access.require(by, ACTION, current)
        with refuse_taken(ValidationError({"subject": TAKEN})):
            store_link(current, subject, by=by, reason=reason)
    return current


def link_own_account(account: User, subject: str) -> User:
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
    """Stores the link of a locked account, its event and the email. Raises IntegrityError if
    another account has it.
    """
    refuse_obstacle(account, LINK_OBSTACLES)
    if find_link(subject):
        raise IntegrityError(TAKEN)
    issuer = settings.OIDC.issuer
    OidcLink.objects.create(issuer=issuer, subject=subject, account_id=account.pk)
    bump_version(account)
    save_account(account, update_fields=["version", "updated_at"])
    record_event(
        LINKED,
        actor=by,
        target=account,
        after={"issuer": issuer, "subject": subject},
        reason=reason,
    )
    outbox.post_message(Message.Kind.OIDC_LINKED, account)


def unlink_account(account: User, *, by: Any, reason: str) -> User:
    """Removes the link. All sessions end, because one of them may have begun with it."""
    reason = require_reason(reason)
    with transaction.atomic():
        current = lock_account(account)
        access.require(by, ACTION, current)
        refuse_obstacle(current, UNLINK_OBSTACLES)
        current.session_epoch += 1
        delete_provider_link(current, by=by, reason=reason)
        sessions.delete_sessions(current.pk, event=UNLINKED)
    return current


def unlink_own_account(account: User) -> User:
    """Removes the link of one's own account. Raises VerbRefused if there is no other way to sign
    in.
    """
    with transaction.atomic():
        current = lock_account(account)
        refuse_obstacle(current, UNLINK_OBSTACLES)
        if must_use_provider(current):
            raise VerbRefused("You can’t sign in without this link.", current)
        delete_provider_link(current, by=current)
    return current


def delete_provider_link(account: User, *, by: Any, reason: str = "") -> None:
    """Deletes the link of a locked account to the provider, with the event and the email."""
    links = OidcLink.objects.filter(account_id=account.pk, issuer=settings.OIDC.issuer)
    before = {"issuer": settings.OIDC.issuer, "subject": links.get().subject}
    links.delete()
    bump_version(account)
    save_account(account, update_fields=["session_epoch", "version", "updated_at"])
    record_event(
        UNLINKED,
        actor=by,
        target=account,
        before=before,
        reason=reason,
    )
    outbox.post_message(Message.Kind.OIDC_UNLINKED, account)
