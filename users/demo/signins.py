"""Writes sign-in attempts and sessions of the newest demo accounts and of staff.

Of the next ones it writes only the last sign-in, and of others none, so that ten million accounts
take little longer than ten thousand.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.utils import timezone
from django.utils.crypto import get_random_string

from users.database.row_writes import insert_values
from users.demo.history import DEMO_BROWSERS, staff_origin
from users.models import State, User, UserQuerySet
from users.sessions.models import Session, SignInEvent, SignInMethod, SignInOutcome
from users.sessions.store import SessionStore

SIGNIN_ACCOUNTS = 800
LAST_SIGNIN_ACCOUNTS = 10_000
SESSION_LENGTH = timedelta(seconds=settings.SESSION_COOKIE_AGE)
BROWSERS = [
    *DEMO_BROWSERS,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Mobile Safari/537.36"
    ),
]
IP_ADDRESSES = ["192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "10.20.0.{}", "2001:db8:{:x}::1"]


class Attempt(NamedTuple):
    """The columns of a sign-in event."""

    at: datetime
    account_id: int
    outcome: SignInOutcome
    ip: str
    user_agent: str
    way: SignInMethod = SignInMethod.PASSWORD
    typed: str = ""


def write_signins(first_id: int, seed: int, until: datetime) -> int:
    """Writes attempts up to `until`, in the order of their times. Returns their number."""
    attempts = []
    sessions = []
    detailed = signin_accounts(first_id)
    for account in detailed:
        random = Random(f"{seed}:door:{account.pk}")  # noqa: S311  nothing here is a secret
        own = [attempt for attempt in make_attempts(account, random) if attempt.at <= until]
        attempts += own
        if own and is_recent_success(own[-1]) and account.is_active and random.random() < 0.6:
            sessions.append(make_session(account, own[-1]))
    attempts += last_signins(first_id, [account.pk for account in detailed], until)
    attempts.sort(key=attrgetter("at"))
    insert_values(SignInEvent, Attempt._fields, attempts)
    Session.objects.bulk_create(sessions, batch_size=500)
    return len(attempts)


def signin_accounts(first_id: int) -> list[User]:
    """Returns the newest accounts and the newest staff accounts."""
    accounts = UserQuerySet(User).filter(pk__gte=first_id).order_by("-date_joined", "-pk")
    newest = list(accounts[:SIGNIN_ACCOUNTS])
    staff = list(accounts.filter(is_staff=True)[: SIGNIN_ACCOUNTS // 5])
    return list({account.pk: account for account in [*newest, *staff]}.values())


def last_signins(first_id: int, without: list[int], until: datetime) -> Iterator[Attempt]:
    """Yields the last sign-in of the newest accounts except those in `without`."""
    accounts = UserQuerySet(User).filter(pk__gte=first_id, last_login__lte=until)
    newest = accounts.order_by("-date_joined", "-pk").values_list("pk", "last_login")
    done = set(without)
    for pk, at in newest[:LAST_SIGNIN_ACCOUNTS]:
        if at and pk not in done:
            browser = BROWSERS[pk % len(BROWSERS)]
            ip = IP_ADDRESSES[pk % len(IP_ADDRESSES)].format(2 + pk % 248)
            yield Attempt(at, pk, SignInOutcome.OK, ip, browser)


def is_recent_success(attempt: Attempt) -> bool:
    return attempt.outcome == SignInOutcome.OK and attempt.at > timezone.now() - SESSION_LENGTH


def make_attempts(account: User, random: Random) -> Iterator[Attempt]:
    """Yields the sign-in events of one account, oldest first; the last success is when it was last
    seen.
    """
    ip, browser = account_origin(account, random)

    def attempt(
        at: datetime, outcome: SignInOutcome, method: SignInMethod = SignInMethod.PASSWORD
    ) -> Attempt:
        return Attempt(at, account.pk, outcome, ip, browser, method)

    for at in successful_times(account, random):
        for missed in range(random.choice([0, 0, 0, 0, 1, 2]), 0, -1):
            yield attempt(at - timedelta(seconds=20 * missed), SignInOutcome.WRONG_PASSWORD)
        yield attempt(at, SignInOutcome.OK)
    if account.status == State.SUSPENDED:
        start = account.updated_at + timedelta(minutes=random.randrange(1, 600))
        for number in range(random.randrange(4)):
            yield attempt(start + timedelta(minutes=number), SignInOutcome.SUSPENDED)
    if account.status == State.INVITED and random.random() < 0.3:
        expired = account.date_joined + timedelta(days=4)
        yield attempt(expired, SignInOutcome.INVALID_LINK, SignInMethod.INVITATION)


def account_origin(account: User, random: Random) -> tuple[str, str]:
    """Returns the IP address and the browser from which someone signs in."""
    if account.is_staff:
        return staff_origin(account)
    ip = random.choice(IP_ADDRESSES).format(random.randrange(2, 250))
    return ip, random.choice(BROWSERS)


def successful_times(account: User, random: Random) -> list[datetime]:
    """Returns up to twelve times between joining and last seen, oldest first; empty if never
    seen.
    """
    seen = account.last_seen_at
    if seen is None:
        return []
    days = (seen - account.date_joined).days
    earlier = [seen - timedelta(days=days * random.random()) for _ in range(random.randrange(12))]
    return [*sorted(earlier), seen]


def make_session(account: User, last: Attempt) -> Session:
    """Returns a session with a random key, which nobody is given."""
    data = {
        SESSION_KEY: str(account.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: account.get_session_auth_hash(),
    }
    return Session(
        session_key=get_random_string(32, VALID_KEY_CHARS),
        session_data=SessionStore().encode(data),
        expire_date=last.at + SESSION_LENGTH,
        account_id=account.pk,
        created_at=last.at,
        last_used_at=last.at,
        ip=last.ip,
        user_agent=last.user_agent,
    )
