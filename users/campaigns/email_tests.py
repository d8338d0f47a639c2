"""A test of an announcement: its text as an email to whoever writes it."""

from django.db import transaction

from users.audit.actions import register_label
from users.audit.record import record_event
from users.campaigns.models import Campaign, EmailTemplate
from users.exceptions import VerbRefused
from users.mail.models import Letter, Message
from users.mail.outbox import post_message
from users.models import User

TEST_EVENTS = {
    "template.tested": "Sent a test of an email template",
    "campaign.tested": "Sent a test of a campaign",
}
for event_name, event_label in TEST_EVENTS.items():
    register_label(event_name, event_label)


def send_template_test(template: EmailTemplate, *, by: User) -> str:
    """Sends the stored text of a template. See `send_test`."""
    return send_test(template, "template.tested", {"template": template.pk}, by)


def send_campaign_test(campaign: Campaign, *, by: User) -> str:
    """Sends the text of a campaign. See `send_test`."""
    values = {"campaign": campaign.pk, "name": campaign.name}
    return send_test(campaign.letter, "campaign.tested", values, by)


def send_test(source: EmailTemplate | Letter, event: str, after: dict, by: User) -> str:
    """Queues a text with its translations as an email to `by`, and returns their address. Raises
    VerbRefused if there is none that is verified, or if the text was removed.

    It has a letter of its own: one of the campaign's would count as one of its emails.
    """
    with transaction.atomic():
        account = User.objects.get(pk=by.pk)
        if not account.email or not account.email_verified_at:
            raise VerbRefused("Your account has no verified email address.", account)
        if not source.text:
            raise VerbRefused("The text of this email was deleted.", account)
        letter = Letter.objects.create(
            subject=source.subject,
            text=source.text,
            translations=source.translations,
            has_markup=True,
        )
        post_message(Message.Kind.TEST, account, letter)
        record_event(
            event,
            actor=by,
            target=account,
            after=after | {"letter": letter.pk},
        )
    return account.email
