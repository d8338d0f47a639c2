"""Writes down each attempt to sign in, and forgets where a person was."""

from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.core.cache import caches
from django.db.models import Q
from django.utils.crypto import salted_hmac

from users.audit.origin import current_origin
from users.models import State, User, UserQuerySet
from users.sessions import store
from users.sessions.models import AGENT_MAX, Outcome, SignInEvent, Way

ONCE = 60  # seconds in which what anybody can repeat without end is written once


def note(
    outcome: Outcome, account: User | None = None, *, way: Way = Way.PASSWORD, typed: str = ""
) -> SignInEvent:
    """Stores one attempt, with the origin of the current request. `typed` is kept only as a digest,
    and only where it names no account.
    """
    origin = current_origin.get()
    event = SignInEvent(
        account_id=account.pk if account else None,
        way=way,
        outcome=outcome,
        ip=origin.ip,
        user_agent=origin.user_agent[:AGENT_MAX],
        typed=digest(typed) if typed and account is None else "",
    )
    event.save(force_insert=True)
    return event


def note_once(outcome: Outcome, account: User, *, way: Way = Way.PASSWORD) -> None:
    """The first of each minute from one address: no limit stands in front of what leads here."""
    key = digest(
        f"{outcome}:{account.pk}:{current_origin.get().ip}"
    )  # nothing in a cache tells where anybody was
    if caches["default"].add(f"signin:{key}", True, ONCE):
        note(outcome, account, way=way)


def tried(typed: str) -> User | None:
    """The account that this username or address names. `typed` is folded."""
    if "\x00" in typed:
        return None
    found = list(UserQuerySet(User).filter(Q(username=typed) | Q(email=typed))[:1]) if typed else []
    return found[0] if found else None


def cause_of_failure(account: User | None) -> Outcome:
    """Why a password was not taken."""
    if account is None:
        return Outcome.UNKNOWN
    if not account.has_usable_password():
        return Outcome.INVITED if account.status == State.INVITED else Outcome.NO_PASSWORD
    return Outcome.WRONG_PASSWORD if can_be_checked(account.password) else Outcome.BAD_HASH


def can_be_checked(encoded: str) -> bool:
    """Whether one of our hashers understands the stored password."""
    try:
        identify_hasher(encoded).decode(encoded)
    except (ValueError, AssertionError, IndexError, KeyError, TypeError):
        return False
    return True


def digest(typed: str) -> str:
    """The same for the same text, and of no use to whoever lacks our key."""
    return salted_hmac(
        "users.signin.typed", typed, secret=settings.SECRET_KEY, algorithm="sha256"
    ).hexdigest()[:32]


def forget(account_id: int) -> int:
    """Blanks where somebody was and with what, and ends their sessions, which say the same. How
    many attempts it touched.
    """
    store.end_all(account_id)
    return (
        SignInEvent.objects.filter(account_id=account_id)
        .exclude(ip=None, user_agent="")
        .update(ip=None, user_agent="")
    )
