"""Second factors for tests: an authenticator app that can tell its code, and its recovery codes."""

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

from users.database.clock import current_seconds
from users.factors.encryption import decrypt_secret
from users.factors.totp import PERIOD
from users.me.second_factor_changes import add_own_app
from users.models import User

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def app_code(secret: str = SECRET, *, later: int = 0) -> str:
    """Returns the code that the app shows `later` periods from now."""
    return format_hotp_value(hotp_value(secret, int(current_seconds()) // PERIOD + later))


def give_app(account: User) -> list[str]:
    """Sets up an authenticator app without a used code, and returns the recovery codes."""
    return add_own_app(account, SECRET, -1)


def stored_secret(account: User) -> str:
    app = Authenticator.objects.get(user=account, type="totp")
    return decrypt_secret(app.data["secret"])
