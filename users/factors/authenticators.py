"""The stored second factors of an account: an authenticator app, passkeys and recovery codes.

The rows are those of allauth.mfa. The callers have locked the account's row, and keep its column
has_second_factor by `sync_factor_column` in the same transaction.
"""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

from users.database.clock import current_time
from users.factors.encryption import encrypt_secret
from users.factors.policy import end_grace_period
from users.models import User

TYPE = Authenticator.Type
LABELS = {
    TYPE.TOTP: "Authenticator app",
    TYPE.WEBAUTHN: "Passkey",
    TYPE.RECOVERY_CODES: "Recovery codes",
}
MAX_PASSKEYS = 20


def list_factors(account: User) -> list[Authenticator]:
    """Returns the app and the passkeys of an account, the oldest first."""
    rows = Authenticator.objects.filter(user_id=account.pk)
    return list(rows.exclude(type=TYPE.RECOVERY_CODES).order_by("pk"))


def has_app(account_id: int) -> bool:
    """Returns whether the account has an authenticator app."""
    return Authenticator.objects.filter(user_id=account_id, type=TYPE.TOTP).exists()


def find_factor(account: User, pk: int) -> Authenticator | None:
    rows = Authenticator.objects.filter(user_id=account.pk)
    return rows.exclude(type=TYPE.RECOVERY_CODES).filter(pk=pk).first()


def create_app(account: User, secret: str, period: int) -> Authenticator:
    """Stores an authenticator app. `period`: that of the code that proved it, which is used."""
    return Authenticator.objects.create(
        user_id=account.pk,
        type=TYPE.TOTP,
        data={"secret": encrypt_secret(secret), "period": period},
        created_at=current_time(),
    )


def create_passkey(account: User, name: str, credential: dict[str, Any]) -> Authenticator:
    """Stores a passkey. `credential`: the verified response of the browser."""
    return Authenticator.objects.create(
        user_id=account.pk,
        type=TYPE.WEBAUTHN,
        data={"name": name, "credential": credential},
        created_at=current_time(),
    )


def create_recovery_codes(account: User) -> list[str]:
    """Stores new recovery codes in place of the present ones, and returns them."""
    Authenticator.objects.filter(user_id=account.pk, type=TYPE.RECOVERY_CODES).delete()
    return RecoveryCodes.activate(account).generate_codes()


def recovery_codes_left(account: User) -> int | None:
    """Returns the number of unused recovery codes; None for an account without any."""
    rows = Authenticator.objects.filter(user_id=account.pk, type=TYPE.RECOVERY_CODES)
    codes = rows.first()
    if codes is None:
        return None
    return 10 - int(codes.data["used_mask"]).bit_count()


def delete_factor(authenticator: Authenticator) -> None:
    """Deletes a factor, and the recovery codes with the last one."""
    account_id = authenticator.user_id
    authenticator.delete()
    rest = Authenticator.objects.filter(user_id=account_id)
    if not rest.exclude(type=TYPE.RECOVERY_CODES).exists():
        rest.delete()


def delete_all_factors(account_id: int) -> None:
    Authenticator.objects.filter(user_id=account_id).delete()


def sync_factor_column(account: User) -> None:
    """Sets has_second_factor of the account, which the caller saves, to what is stored."""
    account.has_second_factor = bool(list_factors(account))
    end_grace_period(account.pk)


def factor_label(authenticator: Authenticator) -> str:
    return LABELS[TYPE(authenticator.type)]
