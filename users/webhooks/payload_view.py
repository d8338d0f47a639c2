"""Shows the payload of a delivery to people."""

import json
from typing import Any

from users import access
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
        return indented_json(token_claims(row, delivery, source, email))
    values = visible_values(maker.values, viewer)
    return indented_json(json.loads(payload_text(delivery, source, values=values)))


def visible_values(values: str, viewer: Any) -> str:
    """Returns which values of the event the viewer sees: as in the audit trail, and no more than
    the receiver gets.
    """
    if hides_values(viewer):
        return "none"
    if values == "all" and hides_personal_data(viewer):
        return "masked"
    return values


def hides_values(viewer: Any) -> bool:
    """Returns whether the viewer may not read the values of events."""
    return not access.may(viewer, "view_audit")


def indented_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
