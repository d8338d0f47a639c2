"""Shows the payload of a delivery to people."""

import json
from typing import Any

from users.masking import hides_personal_data
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.payloads import payload_text
from users.webhooks.requests import RequestMaker
from users.webhooks.signal_tokens import token_claims


def shown_payload(row: WebhookSubscription, delivery: WebhookDelivery, viewer: Any) -> str:
    """Returns the payload, or the claims of the token, as it would be sent now; "" if its event is
    no longer stored.
    """
    maker = RequestMaker(row, [delivery])
    source = maker.rows.get(delivery.message_id)
    if source is None and delivery.source_id is not None:
        return ""
    if row.has_tokens:
        email = maker.emails.get(delivery.account_id or 0, "")
        return indented(token_claims(row, delivery, source, email))
    values = maker.values
    if values == "all" and hides_personal_data(viewer):
        values = "masked"
    return indented(json.loads(payload_text(delivery, source, values=values)))


def indented(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
