"""Writes down each attempt to sign in, and forgets where a person was."""

from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.core.cache import caches
from django.db.models import Q
from django.utils.crypto import salted_hmac

from users.audit.origin import current_origin
from users.models import State, User, UserQuerySet
from users.sessions import store
from users.sessions.models import AGENT_MAX, SignInEvent, SignInMethod, SignInOutcome

REPEAT_SECONDS = 60  # seconds in which what anybody can repeat without end is written once


def record_attempt(
    outcome: SignInOutcome,
    account: User | None = None,
    *,
    way: SignInMethod = SignInMethod.PASSWORD,
    typed: str = "",
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
        typed=typed_digest(typed) if typed and account is None else "",
    )
    event.save(force_insert=True)
    return event


def record_attempt_once(
    outcome: SignInOutcome, account: User, *, way: SignInMethod = SignInMethod.PASSWORD
) -> None:
    """The first of each minute from one address: no limit stands in front of what leads here."""
    # A digest, so that the cache holds no IP addresses.
    key = typed_digest(f"{outcome}:{account.pk}:{current_origin.get().ip}")
    if caches["default"].add(f"signin:{key}", True, REPEAT_SECONDS):
        record_attempt(outcome, account, way=way)


def find_by_login(typed: str) -> User | None:
    """The account that this username or address names. `typed` is folded."""
    if "\x00" in typed:
        return None
    found = list(UserQuerySet(User).filter(Q(username=typed) | Q(email=typed))[:1]) if typed else []
    return found[0] if found else None


def failure_outcome(account: User | None) -> SignInOutcome:
    """Why a password was not taken."""
    if account is None:
        return SignInOutcome.UNKNOWN
    if not account.has_usable_password():
        return (
            SignInOutcome.INVITED if account.status == State.INVITED else SignInOutcome.NO_PASSWORD
        )
    return (
        SignInOutcome.WRONG_PASSWORD
        if is_checkable_hash(account.password)
        else SignInOutcome.BAD_HASH
    )


def is_checkable_hash(encoded: str) -> bool:
    """Whether one of our hashers understands the stored password."""
    try:
        identify_hasher(encoded).decode(encoded)
    except (ValueError, AssertionError, IndexError, KeyError, TypeError):
        return False
    return True


def typed_digest(typed: str) -> str:
    """Returns a digest keyed with SECRET_KEY: equal texts give equal digests, and nobody without
    the key can test guesses against it.
    """
    return salted_hmac(
        "users.signin.typed", typed, secret=settings.SECRET_KEY, algorithm="sha256"
    ).hexdigest()[:32]


def erase_sign_ins(account_id: int) -> int:
    """Blanks where somebody was and with what, and ends their sessions, which say the same. How
    many attempts it touched.
    """
    store.delete_sessions(account_id)
    return (
        SignInEvent.objects.filter(account_id=account_id)
        .exclude(ip=None, user_agent="")
        .update(ip=None, user_agent="")
    )
