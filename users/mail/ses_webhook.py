"""The webhook of Amazon SES, which sends its events through Amazon SNS."""

import logging
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from anymail.webhooks.amazon_ses import AmazonSESBaseWebhookView, AmazonSESTrackingWebhookView

logger = logging.getLogger(__name__)


class SesEventView(AmazonSESTrackingWebhookView):
    """Takes the events without the package boto3, which Anymail needs for other requests."""

    def __init__(self, **kwargs: Any) -> None:
        # Leaves out the class that reads the settings of boto3.
        super(AmazonSESBaseWebhookView, self).__init__(**kwargs)

    def esp_to_anymail_events(
        self, ses_event: dict[str, Any], sns_message: dict[str, Any]
    ) -> list[AnymailTrackingEvent]:
        """Returns the events of a notification. Anymail does not know delays."""
        events = super().esp_to_anymail_events(ses_event, sns_message)
        delay = ses_event.get("deliveryDelay")
        if ses_event.get("eventType") == "DeliveryDelay" and isinstance(delay, dict):
            recipients = delay.get("delayedRecipients", [])
            for event in events:
                event.event_type = EventType.DEFERRED
                event.mta_response = recipients[0].get("diagnosticCode") if recipients else None
        return events

    def auto_confirm_sns_subscription(self, sns_message: dict[str, Any]) -> None:
        """Logs the URL by which an operator confirms a topic: a request sends none itself."""
        url = str(sns_message.get("SubscribeURL", ""))
        logger.warning("Amazon SNS asks to confirm its topic. Open this URL once: %s", url)
