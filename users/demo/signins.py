"""A past at the door: who signed in from where, who failed, and who still is signed in. Of the
newest accounts and staff alone, so that ten million accounts cost no more than ten thousand.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.utils import timezone
from django.utils.crypto import get_random_string

from users.demo.history import DEMO_BROWSERS
from users.models import State, User, UserQuerySet
from users.sessions.models import Session, SignInEvent, SignInMethod, SignInOutcome
from users.sessions.store import SessionStore

SIGNIN_ACCOUNTS = 1500
SESSION_LENGTH = timedelta(seconds=settings.SESSION_COOKIE_AGE)
AGENTS = [
    *DEMO_BROWSERS,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
    "like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    (
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Mobile Safari/537.36"
    ),
]
ADDRESSES = ["192.0.2.{}", "198.51.100.{}", "203.0.113.{}", "10.20.0.{}", "2001:db8:{:x}::1"]


def write_signins(first_id: int, seed: int, until: datetime) -> int:
    """How many attempts, none of them after `until`. They are written in the order of their times,
    as they are read.
    """
    made = []
    sessions = []
    for account in signin_accounts(first_id):
        random = Random(f"{seed}:door:{account.pk}")  # noqa: S311  nothing here is a secret
        mine = [attempt for attempt in make_attempts(account, random) if attempt.at <= until]
        made += mine
        if (
            mine
            and mine[-1].succeeded
            and mine[-1].at > timezone.now() - SESSION_LENGTH
            and account.is_active
            and random.random() < 0.6
        ):
            sessions.append(make_session(account, mine[-1]))
    SignInEvent.objects.bulk_create(sorted(made, key=lambda attempt: attempt.at), batch_size=1000)
    Session.objects.bulk_create(sessions, batch_size=500)
    return len(made)


def signin_accounts(first_id: int) -> list[User]:
    """The newest accounts, and some of the staff."""
    accounts = UserQuerySet(User).filter(pk__gte=first_id).order_by("-date_joined", "-pk")
    newest = list(accounts[:SIGNIN_ACCOUNTS])
    staff = list(accounts.filter(is_staff=True)[: SIGNIN_ACCOUNTS // 5])
    return list({account.pk: account for account in [*newest, *staff]}.values())


def make_attempts(account: User, random: Random) -> Iterator[SignInEvent]:
    """Yields the sign-in events of one account, oldest first; the last success is when it was last
    seen.
    """
    agent = random.choice(AGENTS)
    address = random.choice(ADDRESSES).format(random.randrange(2, 250))
    seen = account.last_seen_at

    def attempt(
        at: datetime, outcome: SignInOutcome, way: SignInMethod = SignInMethod.PASSWORD
    ) -> SignInEvent:
        return SignInEvent(
            account_id=account.pk, at=at, outcome=outcome, way=way, ip=address, user_agent=agent
        )

    if seen is not None:
        days = (seen - account.date_joined).days
        before = sorted(
            seen - timedelta(days=days * random.random()) for _ in range(random.randrange(12))
        )
        for at in [*before, seen]:
            for missed in range(random.choice([0, 0, 0, 0, 1, 2]), 0, -1):
                yield attempt(at - timedelta(seconds=20 * missed), SignInOutcome.WRONG_PASSWORD)
            yield attempt(at, SignInOutcome.OK)
    if account.status == State.SUSPENDED:
        after = account.updated_at + timedelta(minutes=random.randrange(1, 600))
        yield from (
            attempt(after + timedelta(minutes=number), SignInOutcome.SUSPENDED)
            for number in range(random.randrange(4))
        )
    if account.status == State.INVITED and random.random() < 0.3:
        yield attempt(
            account.date_joined + timedelta(days=4),
            SignInOutcome.DEAD_LINK,
            SignInMethod.INVITATION,
        )


def make_session(account: User, last: SignInEvent) -> Session:
    """One that nobody holds the key of: it is made up here and told to nobody."""
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
