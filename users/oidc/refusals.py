"""Why the provider, or what it sent, is refused: a code for the log, and words for the person."""

from django.conf import settings

# Code → what the page says; {} is the name of the provider. The HTTP status is 400 unless STATUSES
# has another.
TEXTS = {
    "unreachable": "{} does not respond. Try again in a few minutes.",
    "metadata": (
        "The settings of {} do not match what it says of itself. An administrator has to check "
        "OIDC_ISSUER."
    ),
    "state": "This sign-in has expired, was used before, or began in another browser. Start again.",
    "mix-up": "The answer is not from {}. Start again.",
    "cancelled": "{} did not sign you in. You may have cancelled, or may not use this application.",
    "provider-error": "{} reported an error. Try again, or ask an administrator.",
    "code": "{} did not accept the code of this sign-in, which works once. Start again.",
    "token": "The answer of {} can’t be read. Ask an administrator.",
    "signature": "The signature of {} is wrong, so the answer may be forged. Start again.",
    "key": "{} signed with a key that it does not publish. Start again.",
    "audience": "{} signed you in to another application. Start again.",
    "nonce": "The answer of {} belongs to another sign-in. Start again.",
    "expired": "The answer of {} has expired. Start again.",
    "clock": (
        "The clocks of {} and this server differ, so its answer is not valid yet. An administrator "
        "has to correct the time."
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
    """A sign-in by OpenID Connect that ends here. `detail` is for the log alone."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail
        self.status = STATUSES.get(code, 400)

    @property
    def message(self) -> str:
        text = TEXTS[self.code].format(settings.OIDC.name)
        return text[0].upper() + text[1:]
