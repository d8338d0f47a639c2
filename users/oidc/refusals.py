"""Explains why a sign-in at the provider is refused: a code for the log, a text for people."""

from django.conf import settings

# Code → what the page says; {} is the name of the provider. The HTTP status is 400 unless STATUSES
# has another.
TEXTS = {
    "unreachable": "{} does not respond. Try again in a few minutes.",
    "metadata": (
        "The configured issuer and the one that {} reports differ. An administrator has to check "
        "OIDC_ISSUER."
    ),
    "state": "This sign-in has expired, was used before, or began in another browser. Start again.",
    "mix-up": "The response is not from {}. Start again.",
    "cancelled": "{} did not sign you in. You cancelled, or may not use this application.",
    "provider-error": "{} reported an error. Try again, or ask an administrator.",
    "code": "{} did not accept the code of this sign-in, which can be used only once. Start again.",
    "token": "The response from {} can’t be read. Ask an administrator.",
    "signature": "The response from {} has a wrong signature and may be forged. Start again.",
    "key": "{} signed its response with a key that it does not publish. Start again.",
    "audience": "{} signed you in to another application. Start again.",
    "nonce": "The response from {} belongs to another sign-in. Start again.",
    "expired": "The response from {} has expired. Start again.",
    "clock": (
        "The clocks of {} and this server differ, so its response is not valid yet. An "
        "administrator has to correct the time."
    ),
    "not-fresh": (
        "{} did not ask you to sign in again, or does not say when you did. Confirm your identity "
        "in another way."
    ),
    "other-person": "You signed in to {} as someone else. Start again with your own account there.",
    "throttled": "Too many attempts. Wait a minute and try again.",
}
STATUSES = {
    "unreachable": 502,
    "metadata": 502,
    "code": 502,
    "token": 502,
    "key": 502,
    "clock": 502,
    "provider-error": 502,
    "cancelled": 403,
    "not-fresh": 403,
    "other-person": 403,
    "throttled": 429,
}


class OidcRefused(Exception):
    """A sign-in with OpenID Connect is refused. `detail` is only for the log."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.status = STATUSES.get(code, 400)

    @property
    def message(self) -> str:
        text = TEXTS[self.code].format(settings.OIDC.name)
        return text[0].upper() + text[1:]
