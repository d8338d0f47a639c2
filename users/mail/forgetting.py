"""Removes a person's emails: pending ones are dropped, letters to them alone are blanked."""

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from users.exceptions import VerbRefused
from users.forgetting import Erasure, PersonNames, forgets
from users.mail import file_backend
from users.mail.models import DeliveryEvent, Letter, Message, Suppression
from users.models import User


@forgets(order=10)
def erase_mail(erasure: Erasure) -> None:
    """Raises VerbRefused while a bulk letter that names the person is being sent."""
    erase_delivery_events(erasure.account)
    erase_messages(erasure.account)
    erase_own_letters(erasure.account)
    forget_suppressed_account(erasure.account)
    refuse_pending_letters(erasure.account, erasure.names)


def erase_messages(account: User) -> None:
    """Drops pending messages, and blanks the recipient and the server's words of all messages.

    The records of their delivery stay.
    """
    messages = Message.objects.filter(account=account)
    message_ids = messages.values_list("message_id", flat=True)
    file_backend.remove_mail_files(message_ids, settings.MAIL_DIR)
    messages.filter(state=Message.State.WAITING).update(state=Message.State.DROPPED)
    messages.update(
        to="",
        error="",
        waiting_reason="",
    )


def erase_delivery_events(account: User) -> None:
    """Blanks the recipient and the server's reply of what providers reported. One that is not
    applied yet may have only the provider's id.
    """
    messages = Message.objects.filter(account=account)
    waiting = Q(applied_at=None, provider_id__in=messages.values("provider_id"))
    named = Q(message_id__in=messages.values("message_id"))
    # Without the second conditions the partial indexes are not used.
    for condition in (named & ~Q(message_id=""), waiting & ~Q(provider_id="")):
        DeliveryEvent.objects.filter(condition).update(recipient="", detail="")


def forget_suppressed_account(account: User) -> None:
    """Leaves only digests of the suppressed addresses, which keep them from getting emails if
    someone else registers them.
    """
    Suppression.objects.filter(account_id=account.pk).update(account_id=None)


def erase_own_letters(account: User) -> None:
    """Blanks the letters that were written only to this person."""
    own = Letter.objects.filter(messages__account=account, is_bulk=False)
    alone = own.exclude(Exists(messages_to_others(account)))
    ids = list(alone.values_list("pk", flat=True))
    Letter.objects.filter(pk__in=ids).update(
        subject="",
        text="",
        translations={},
    )


def refuse_pending_letters(account: User, names: PersonNames) -> None:
    """Raises VerbRefused if a bulk letter names the person and is still being sent.

    Letters that have been sent are redacted like any other text.
    """
    pending = messages_to_others(account).filter(state=Message.State.WAITING)
    letters = Letter.objects.filter(Exists(pending), is_bulk=True).order_by("pk")
    if any(names.occur_in(*letter_texts(letter)) for letter in letters):
        raise VerbRefused(
            "A bulk email that names this person is still being sent. Wait until it is done.",
            account,
        )


def letter_texts(letter: Letter) -> list[str]:
    """Returns the subject and the text of a letter in all its languages."""
    texts = [letter.subject, letter.text]
    for translation in letter.translations.values():
        texts += translation.values()
    return texts


def messages_to_others(account: User) -> QuerySet[Message]:
    """Returns the messages of an outer Letter query that go to other accounts."""
    return Message.objects.filter(letter=OuterRef("pk")).exclude(account=account)
