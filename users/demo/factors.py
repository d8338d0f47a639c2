"""Gives demo accounts with a second factor an authenticator app, whose secret nobody knows."""

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret

from users.factors.encryption import encrypt_secret
from users.models import User

BATCH_ROWS = 5000


def write_apps(first_id: int, last_id: int) -> None:
    """Stores an app for each account in the range whose column says that it has a factor."""
    accounts = User.objects.filter(pk__range=(first_id, last_id), has_second_factor=True)
    ids = list(accounts.order_by("pk").values_list("pk", flat=True))
    Authenticator.objects.bulk_create(map(new_app, ids), batch_size=BATCH_ROWS)


def new_app(account_id: int) -> Authenticator:
    secret = encrypt_secret(generate_totp_secret())
    return Authenticator(
        user_id=account_id,
        type=Authenticator.Type.TOTP,
        data={"secret": secret},
    )
