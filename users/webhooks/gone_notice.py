"""Emails the owner of a subscription whose receiver wants no more events."""

from django.conf import settings

from users.mail.models import Letter, Message
from users.mail.outbox import post_message
from users.models import User
from users.webhooks.models import WebhookSubscription

TEXT = """\
The receiver of the webhook “{name}” answered with status 410 (Gone), so it wants no more events. \
Rollcall has paused the webhook. Events wait until someone resumes or deletes it:

{url}
"""


def email_owner(row: WebhookSubscription) -> None:
    owner = User.objects.filter(pk=row.owner_id).first()
    if owner is None:
        return
    url = f"{settings.SITE_URL}/staff/webhooks/{row.pk}/"
    text = TEXT.format(name=row.name, url=url)
    letter = Letter.objects.create(subject=f"Rollcall paused the webhook {row.name}", text=text)
    post_message(Message.Kind.ALARM, owner, letter)
