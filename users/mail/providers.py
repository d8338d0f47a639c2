"""Email providers: our message's id travels with each email, and theirs is stored.

The table of providers is in site/email_settings.py.
"""

import re
from collections.abc import Mapping
from typing import Any

from anymail.signals import pre_send
from django.conf import settings
from django.core.mail import EmailMessage

from users.mail.models import Message

# The metadata in which Message.message_id travels to a provider and comes back in its events.
METADATA_KEY = "rollcall_message"
MESSAGE_ID = re.compile(r"[0-9a-f]{32}")
# Our Message-ID header, which some providers use as their id, and every mail server.
MESSAGE_ID_HEADER = re.compile(r"<?([0-9a-f]{32})@[^>]*>?")
PROVIDER_ID_MAX = Message._meta.get_field("provider_id").max_length


def attach_metadata(message: EmailMessage, **_: Any) -> None:
    """Adds the id of our message to an email. Receiver of Anymail's signal pre_send."""
    if not settings.EMAIL_PROVIDERS[settings.EMAIL_PROVIDER].takes_metadata:
        return
    if found := header_message_id(message.extra_headers.get("Message-ID", "")):
        message.metadata = {METADATA_KEY: found}  # type: ignore[attr-defined]


def header_message_id(header: str) -> str:
    """Returns our message's id in a Message-ID header; "" for one that is not Rollcall's."""
    found = MESSAGE_ID_HEADER.fullmatch(header.strip())
    return found[1] if found else ""


def metadata_message_id(metadata: object) -> str:
    """Returns our message's id in the metadata of an event; "" without one."""
    value = metadata.get(METADATA_KEY) if isinstance(metadata, Mapping) else None
    return value if isinstance(value, str) and MESSAGE_ID.fullmatch(value) else ""


def record_provider_id(message: Message, mail: EmailMessage) -> None:
    """Stores the provider's id of an email that it has accepted. A mail server gives none."""
    status = getattr(mail, "anymail_status", None)
    found = getattr(status, "message_id", None)
    if not isinstance(found, str) or not found:
        return
    message.provider_id = found.replace("\x00", "")[:PROVIDER_ID_MAX]
    Message.objects.filter(pk=message.pk).update(provider_id=message.provider_id)


if settings.EMAIL_PROVIDER:
    pre_send.connect(attach_metadata, dispatch_uid="users.mail.providers")
