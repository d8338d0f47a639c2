"""Signs requests as Standard Webhooks describes it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from users.outbound.http_sender import USER_AGENT


def signed_headers(name: str, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """Returns the headers of a request, with a signature of each secret. `name`: the ID of the
    message, which is the same in each attempt.
    """
    now = datetime.now(UTC)
    signatures = [Webhook(each).sign(name, now, body) for each in secrets]
    return {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
