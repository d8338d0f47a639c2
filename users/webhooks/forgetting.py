"""Removes an erased person's name from webhooks. Deliveries hold IDs and no values."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.webhooks.models import WebhookSubscription


@forgets(order=57)
def erase_webhook_owner(erasure: Erasure) -> None:
    rows = WebhookSubscription.objects.filter(owner_id=erasure.account.pk)
    rows.update(owner_text=ERASED_PERSON)
