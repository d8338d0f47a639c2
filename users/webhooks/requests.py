"""Builds the requests of a batch. All database reads are done beforehand, in few queries."""

from collections.abc import Sequence
from functools import cached_property

from django.conf import settings

from users import access
from users.models import User
from users.outbound.addresses import AddressPolicy
from users.outbound.http_sender import USER_AGENT
from users.outbound.signatures import signed_headers
from users.webhooks.models import WebhookDelivery, WebhookSubscription
from users.webhooks.payloads import payload_text
from users.webhooks.secrets import current_secrets
from users.webhooks.signal_tokens import signal_token
from users.webhooks.sources import source_rows

Subject = WebhookSubscription.Subject
TOKEN_TYPE = "application/secevent+jwt"  # noqa: S105  a media type


class RequestMaker:
    """Makes body and headers of deliveries of one subscription."""

    def __init__(self, row: WebhookSubscription, deliveries: Sequence[WebhookDelivery]) -> None:
        self.row = row
        self.rows = source_rows(deliveries)
        self.values = "none"
        self.emails: dict[int, str] = {}
        if row.with_values:
            self.values = "all" if owner_sees_values(row) else "masked"
        if row.subject == Subject.EMAIL and owner_sees_values(row):
            self.emails = account_emails(deliveries)

    @cached_property
    def secrets(self) -> list[str]:
        """The secrets, read when a request needs them: one that no key of the settings has
        encrypted fails the request, and no page.
        """
        return current_secrets(self.row)

    def make_request(self, delivery: WebhookDelivery) -> tuple[str, dict[str, str]]:
        body = self.make_body(delivery)
        if not self.row.has_tokens:
            return body, signed_headers(delivery.message_id, body, self.secrets)
        headers = {
            "Content-Type": TOKEN_TYPE,
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            "Authorization": f"Bearer {self.secrets[0]}",
        }
        return body, headers

    def make_body(self, delivery: WebhookDelivery) -> str:
        """Returns a payload, or a token."""
        source = self.rows.get(delivery.message_id)
        if not self.row.has_tokens:
            return payload_text(delivery, source, values=self.values)
        email = self.emails.get(delivery.account_id or 0, "")
        return signal_token(self.row, delivery, source, email)


def owner_sees_values(row: WebhookSubscription) -> bool:
    """Returns whether the owner of the subscription may see personal data now."""
    owner = User.objects.filter(pk=row.owner_id).first()
    return owner is not None and access.may(owner, "view_personal")


def account_emails(deliveries: Sequence[WebhookDelivery]) -> dict[int, str]:
    ids = {delivery.account_id for delivery in deliveries}
    return dict(User.objects.filter(pk__in=ids - {None}).values_list("pk", "email"))


def webhook_policy() -> AddressPolicy:
    """Returns the addresses that webhooks may go to, as the settings say."""
    return AddressPolicy(
        private_hosts=settings.WEBHOOKS.private_hosts,
        ca_file=settings.WEBHOOKS.ca_file,
    )
