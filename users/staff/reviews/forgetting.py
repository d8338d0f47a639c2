"""Removes an erased person's name from access reviews."""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.staff.reviews.models import AccessReview, ReviewItem


@forgets(order=53)
def erase_review_traces(erasure: Erasure) -> None:
    """Keeps what was decided about the account, which has only its ID."""
    pk = erasure.account.pk
    AccessReview.objects.filter(opened_by_id=pk).update(opened_by_text=ERASED_PERSON)
    ReviewItem.objects.filter(decided_by_id=pk).update(decided_by_text=ERASED_PERSON)
