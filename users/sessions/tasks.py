"""The scheduled task that deletes expired sessions."""

from django.db.models import Q

from users.database.batch_deletes import delete_in_batches
from users.database.clock import current_time
from users.sessions.ended_sessions import KEPT
from users.sessions.models import Session


def clear_sessions() -> int:
    """Deletes the rows of expired sessions, those that expired first, and returns their number.

    Those with an owner stay for a day, so that the sign-in page can say which limit ended them.
    """
    now = current_time()
    expired = Session.objects.filter(expire_date__lt=now)
    expired = expired.filter(Q(account_id=None) | Q(expire_date__lt=now - KEPT))
    return delete_in_batches(expired.order_by("expire_date"))
