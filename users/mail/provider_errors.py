"""The meaning of errors of a provider's API for the message.

A message counts as refused only where the answer says so. After any other error, the provider may
have it.
"""

import ssl
from collections.abc import Iterator
from http import HTTPStatus

from users.mail.smtp_replies import Outcome

# The key is wrong, or may not send.
HELD = {HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN}
RETRIED = {HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
# Errors of Amazon SES whose status alone, 400 or 404, would be one of the message.
AMAZON_CODES = {
    "AccountSuspendedException": Outcome.HOLD,
    "MailFromDomainNotVerifiedException": Outcome.HOLD,
    "NotFoundException": Outcome.HOLD,
    "SendingPausedException": Outcome.HOLD,
    "LimitExceededException": Outcome.RETRY,
    "Throttling": Outcome.RETRY,
    "ThrottlingException": Outcome.RETRY,
}
# Errors of the package boto3, which finds no credentials on the machine.
NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}


def provider_outcome(error: Exception) -> Outcome | None:
    """Returns what becomes of the message; None if nobody knows whether the provider has it."""
    # Only installations with a provider need the package requests, which this loads.
    from anymail.exceptions import AnymailAPIError, AnymailError

    if not isinstance(error, AnymailError):
        return None
    if not isinstance(error, AnymailAPIError):
        # It has something that the provider cannot send, or a recipient that is refused.
        return Outcome.FAIL
    if any(type(each).__name__ in NO_CREDENTIALS for each in error_chain(error)):
        return Outcome.HOLD
    if isinstance(error.response, dict):
        return amazon_outcome(error.response)
    return status_outcome(error.status_code)


def status_outcome(status: int | None) -> Outcome | None:
    """Returns the meaning of an HTTP status of a provider.

    After 2xx, the answer could not be read. A 5xx may come from a proxy that lost the answer, and
    with 408 nobody knows how much arrived.
    """
    if status in HELD:
        return Outcome.HOLD
    if status in RETRIED:
        return Outcome.RETRY
    if status is None or status == HTTPStatus.REQUEST_TIMEOUT or not 400 <= status < 500:
        return None
    return Outcome.FAIL


def amazon_outcome(response: dict) -> Outcome | None:
    """Returns the meaning of an answer of Amazon SES, as boto3 parses it."""
    code = response.get("Error", {}).get("Code", "")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return AMAZON_CODES.get(code) or status_outcome(status)


def is_unreachable(error: Exception) -> bool:
    """Returns whether there was no connection to the provider, so that it cannot have the message:
    no address, refused, no answer in time, or a wrong certificate.
    """
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    unconnected = (ConnectTimeoutError, NewConnectionError, ssl.SSLCertVerificationError)
    return any(isinstance(each, unconnected) for each in error_chain(error))


def error_chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error, what caused it, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
