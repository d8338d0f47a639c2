"""Obstacles: what makes a verb impossible for an account, whoever asks.

Each verb declares its own. The menu of the account's page, the form, the verb itself and its bulk
form all read them from there, so they refuse the same accounts with the same sentence.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db.models import Exists, OuterRef, Q

from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.mail.models import Message
from users.models import State, User, in_state

Condition = Callable[[datetime], Q]


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """A reason for which a verb is impossible. `sentence` says it on the screen."""

    sentence: str
    blocks: Callable[[User], bool]
    # The same in SQL, at a moment. None for verbs without a bulk form.
    condition: Condition | None = None
    # Whether the account's own row or its roles decide it. Pages that are cached show no other
    # obstacle, because a change elsewhere does not renew them.
    in_row: bool = True


def find_obstacle(
    account: User, obstacles: Iterable[Obstacle], *, in_row: bool = False
) -> Obstacle | None:
    """Returns the first obstacle that blocks the account, or None. `in_row`: of those that the
    page of the account knows without a query.
    """
    for obstacle in obstacles:
        if (obstacle.in_row or not in_row) and obstacle.blocks(account):
            return obstacle
    return None


def refuse_obstacle(account: User, obstacles: Iterable[Obstacle]) -> None:
    """Raises VerbRefused if one of the obstacles blocks the account."""
    if obstacle := find_obstacle(account, obstacles):
        raise VerbRefused(obstacle.sentence, account)


def refuse_before_form(request: Any, account: User, obstacles: Iterable[Obstacle]) -> None:
    """Raises VerbRefused before a form is shown that could not be sent with success. A form that
    was sent is judged by its verb, and keeps what was typed.
    """
    if request.method != "POST":
        refuse_obstacle(account, obstacles)


def state_obstacle(state: State, sentence: str) -> Obstacle:
    """Returns the obstacle of being in `state`; {} in the sentence stands for its label."""
    return Obstacle(
        sentence=sentence.format(state.label.lower()),
        blocks=lambda account: account.state == state,
        condition=partial(in_state, state),
    )


def queued_obstacle(*kinds: Message.Kind) -> Obstacle:
    """Returns the obstacle of an email of these kinds that waits for the account's address, so that
    a second click sends no second email.
    """
    queued = Message.objects.filter(kind__in=kinds, state=Message.State.WAITING)
    of_account = queued.filter(account_id=OuterRef("pk"), to=OuterRef("email"))
    return query_obstacle("This email is already queued.", lambda now: Q(Exists(of_account)))


def query_obstacle(sentence: str, condition: Condition) -> Obstacle:
    """Returns an obstacle in another table than that of the accounts."""

    def blocks(account: User) -> bool:
        return User.objects.filter(condition(current_time()), pk=account.pk).exists()

    return Obstacle(
        sentence=sentence,
        blocks=blocks,
        condition=condition,
        in_row=False,
    )


def service_obstacle(sentence: str) -> Obstacle:
    """Returns the obstacle of being a service account."""
    return Obstacle(
        sentence=sentence,
        blocks=lambda account: account.is_service,
        condition=lambda now: Q(owner_id__isnull=False),
    )


DELETED = state_obstacle(
    State.DELETED, "This account is deleted and can’t be changed. Restore it first."
)
ERASED = state_obstacle(State.ERASED, "This account is erased and can’t be changed.")
DELETED_OBSTACLES = (DELETED, ERASED)
NO_ADDRESS = Obstacle(
    sentence="This account has no address.",
    blocks=lambda account: not account.email,
    condition=lambda now: Q(email=""),
)
VERIFIED = Obstacle(
    sentence="This address is already verified.",
    blocks=lambda account: account.email_verified_at is not None,
    condition=lambda now: Q(email_verified_at__isnull=False),
)
NO_PASSWORD = Obstacle(
    sentence="This account has no password to change.",
    blocks=lambda account: not account.has_usable_password(),
    condition=lambda now: Q(password__startswith=UNUSABLE_PASSWORD_PREFIX),
)
SERVICE = service_obstacle("This is a service account. Nobody signs in to it.")
SERVICE_LETTER = service_obstacle("This is a service account. Write to its owner instead.")
SERVICE_END = service_obstacle("Change the end of a service account on its own page, under Staff.")
INACTIVE_OBSTACLES = tuple(
    state_obstacle(state, "This account is {}, so the link would not work.")
    for state in (State.SUSPENDED, State.ENDED)
)
