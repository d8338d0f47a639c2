"""Records attempts to sign in, and erases their origins."""

from django.conf import settings
from django.contrib.auth.hashers import identify_hasher
from django.core.cache import caches
from django.db.models import Q
from django.utils.crypto import salted_hmac

from users.audit.origin import current_origin
from users.models import State, User, UserQuerySet
from users.sessions import store
from users.sessions.local_sign_in import must_use_provider
from users.sessions.models import AGENT_MAX, SignInEvent, SignInMethod, SignInOutcome

# Period in which an attempt that anybody can repeat without limit is recorded once.
REPEAT_SECONDS = 60


def record_attempt(
    outcome: SignInOutcome,
    account: User | None = None,
    *,
    way: SignInMethod = SignInMethod.PASSWORD,
    typed: str = "",
    device: str = "",
) -> SignInEvent:
    """Stores one attempt, with the origin of the current request. `device`: the digest of the
    browser's token (users/sessions/known_devices.py).

    Only a digest of `typed` is stored, and only if it names no account.
    """
    origin = current_origin.get()
    event = SignInEvent(
        way=way,
        outcome=outcome,
        ip=origin.ip,
        user_agent=origin.user_agent[:AGENT_MAX],
        device=device,
    )
    if account:
        event.account_id = account.pk
    elif typed:
        event.typed = typed_digest(typed)
    event.save(force_insert=True)
    return event


def record_attempt_once(
    outcome: SignInOutcome, account: User, *, way: SignInMethod = SignInMethod.PASSWORD
) -> None:
    """Records the first such attempt of each minute from one IP address.

    It serves outcomes that are not rate-limited.
    """
    # A digest, so that the cache holds no IP addresses.
    key = typed_digest(f"{outcome}:{account.pk}:{current_origin.get().ip}")
    if caches["default"].add(f"signin:{key}", True, REPEAT_SECONDS):
        record_attempt(outcome, account, way=way)


def find_by_login(typed: str) -> User | None:
    """Returns the account whose username or address has this `identifier_key`, or None."""
    if not typed or "\x00" in typed:
        return None
    matches = UserQuerySet(User).filter(Q(username=typed) | Q(email__lower=typed))[:1]
    return next(iter(matches), None)


def failure_outcome(account: User | None) -> SignInOutcome:
    """Returns why a password was not accepted."""
    if account is None:
        return SignInOutcome.UNKNOWN
    if must_use_provider(account):
        return SignInOutcome.PROVIDER_ONLY
    if account.has_usable_password():
        is_checkable = is_checkable_hash(account.password)
        return SignInOutcome.WRONG_PASSWORD if is_checkable else SignInOutcome.BAD_HASH
    is_invited = account.status == State.INVITED
    return SignInOutcome.INVITED if is_invited else SignInOutcome.NO_PASSWORD


def is_checkable_hash(encoded: str) -> bool:
    """Returns whether one of the configured hashers can read the stored password."""
    try:
        identify_hasher(encoded).decode(encoded)
    except (ValueError, AssertionError, IndexError, KeyError, TypeError):
        return False
    return True


def typed_digest(typed: str, secret: str | None = None) -> str:
    """Returns a digest keyed with SECRET_KEY: only the server can test guesses against it."""
    digest = salted_hmac("users.signin.typed", typed, secret=secret, algorithm="sha256")
    return digest.hexdigest()[:32]


def typed_digests(typed: str) -> list[str]:
    """Returns the digests under SECRET_KEY and its fallbacks, for attempts before a rotation."""
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return [typed_digest(typed, key) for key in keys]


def erase_sign_ins(account_id: int) -> int:
    """Blanks IP addresses, user agents and devices of an account's attempts, and ends its sessions.

    Returns the number of changed attempts.
    """
    store.delete_sessions(account_id)
    events = SignInEvent.objects.filter(account_id=account_id).exclude(
        ip=None, user_agent="", device=""
    )
    return events.update(
        ip=None,
        user_agent="",
        device="",
    )
