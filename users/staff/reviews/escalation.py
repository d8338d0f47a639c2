"""Escalates a review to administrators if its opener may no longer review access, so that no role
is removed in the name of somebody who may not remove it.
"""

from django.db import transaction

from users import access
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.database.clock import current_time
from users.mail.models import Message
from users.mail.outbox import post_message
from users.models import User
from users.permissions import permission_holders
from users.staff.reviews.models import AccessReview
from users.staff.reviews.opening import ACTION

MAX_RECIPIENTS = 50


def may_still_review(opener: User | None) -> bool:
    return opener is not None and access.may(opener, ACTION)


def escalate_review(review: AccessReview) -> None:
    """Leaves the review open and undecided, once, with an event and an email to those who can end
    it.
    """
    with transaction.atomic():
        waiting = AccessReview.objects.filter(pk=review.pk, closed_at=None, escalated_at=None)
        if not waiting.update(escalated_at=current_time()):
            return
        after = {"review": review.pk, "undecided": review.undecided_count}
        record_event("review.escalated", actor=SystemActor(), after=after)
        codename = access.PERMISSIONS[ACTION].partition(".")[2]
        for account in permission_holders(codename)[:MAX_RECIPIENTS]:
            post_message(Message.Kind.REVIEW_ESCALATED, account)
