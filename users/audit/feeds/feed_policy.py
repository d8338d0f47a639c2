"""The addresses that feeds may be sent to, as the settings say."""

from django.conf import settings

from users.outbound.addresses import AddressPolicy


def feed_policy() -> AddressPolicy:
    return AddressPolicy(
        allows_private=settings.AUDIT_FEEDS.allows_private,
        ca_file=settings.AUDIT_FEEDS.ca_file,
    )
