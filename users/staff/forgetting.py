"""Removes an erased person from grants, requests and reviews of roles.

What is about the account goes, apart from decisions of reviews: they are evidence, and name it by
its ID alone. Where the person acted on others, only the name goes.
"""

from users.forgetting import ERASED_PERSON, Erasure, forgets
from users.role_models import RoleGrant, RoleRequest
from users.staff.reviews.models import AccessReview, ReviewItem


@forgets(order=52)
def erase_role_traces(erasure: Erasure) -> None:
    pk = erasure.account.pk
    RoleGrant.objects.filter(account_id=pk).delete()
    RoleRequest.objects.filter(account_id=pk).delete()
    RoleGrant.objects.filter(by_id=pk).update(by_text=ERASED_PERSON)
    RoleRequest.objects.filter(by_id=pk).update(by_text=ERASED_PERSON)
    RoleRequest.objects.filter(decided_by_id=pk).update(decided_by_text=ERASED_PERSON)


@forgets(order=53)
def erase_review_traces(erasure: Erasure) -> None:
    pk = erasure.account.pk
    AccessReview.objects.filter(opened_by_id=pk).update(opened_by_text=ERASED_PERSON)
    ReviewItem.objects.filter(decided_by_id=pk).update(decided_by_text=ERASED_PERSON)
