"""The meaning of errors of a provider's API for the message."""

from http import HTTPStatus

from users.mail.smtp_replies import Outcome

# The key is wrong, or may not send.
HELD = (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)


def provider_outcome(error: Exception) -> Outcome | None:
    """Returns what becomes of the message; None if nobody knows whether the provider has it."""
    # Only installations with a provider need the package requests, which this loads.
    from anymail.exceptions import AnymailAPIError, AnymailError

    if not isinstance(error, AnymailError):
        return None
    if not isinstance(error, AnymailAPIError):
        # It has something that the provider cannot send, or a recipient that is refused.
        return Outcome.FAIL
    return status_outcome(error.status_code)


def status_outcome(status: int | None) -> Outcome | None:
    """Returns the meaning of an HTTP status of a provider."""
    if status is None:
        return None
    if status in HELD:
        return Outcome.HOLD
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Outcome.RETRY
    return Outcome.FAIL
