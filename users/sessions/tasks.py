"""The scheduled task that deletes expired sessions."""

from users.database.batch_deletes import delete_in_batches
from users.database.clock import current_time
from users.sessions.models import Session


def clear_sessions() -> int:
    """Deletes the rows of expired sessions, those that expired first, and returns their number."""
    expired = Session.objects.filter(expire_date__lt=current_time())
    return delete_in_batches(expired.order_by("expire_date"))
