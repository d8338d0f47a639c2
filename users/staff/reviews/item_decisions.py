"""Decides about the roles in an access review, and ends the review."""

from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from users import access
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User
from users.staff.reviews.models import AccessReview, ReviewItem
from users.staff.reviews.opening import ACTION, is_as_frozen
from users.staff.reviews.result import result_digest
from users.verbs.role_removal.verb import remove_roles
from users.verbs.transaction import require_reason

Decision = ReviewItem.Decision
OWN_ROLE = "Nobody may review their own roles. Ask a colleague."
CHANGED = (
    "The list of this review was changed after it was opened. It can’t be decided on. Open a new "
    "review."
)
# Reviews in one run of the task.
BATCH = 20


def decide_item(item: ReviewItem, *, by: Any, decision: str, reason: str) -> ReviewItem:
    """Keeps or removes one role. Raises Denied, VerbRefused or ValidationError."""
    access.require(by, ACTION)
    reason = require_reason(reason)
    with transaction.atomic():
        review = lock_open_review(item.review_id)
        item = ReviewItem.objects.get(pk=item.pk)
        account = User.objects.get(pk=item.account_id)
        if item.decision:
            raise VerbRefused(f"{item.decided_by_text} has already decided about this role.")
        if by.pk == item.account_id:
            raise access.Denied(ACTION, OWN_ROLE, target=account)
        if not is_as_frozen(review):
            raise VerbRefused(CHANGED)
        if decision == Decision.REMOVE:
            take_role(item, account, by, reason)
        store_item_decision(item, account, decision, by, reason)
    return item


def lock_open_review(pk: int) -> AccessReview:
    """Returns the review, locked. Raises VerbRefused if it has ended."""
    review = AccessReview.objects.select_for_update().get(pk=pk)
    if review.closed_at:
        raise VerbRefused("This review has ended.")
    return review


def take_role(item: ReviewItem, account: User, by: Any, reason: str) -> None:
    """Removes the role, unless the account has lost it since the review was opened."""
    role = Group.objects.filter(pk=item.group_id, user=account).first()
    if role is not None:
        remove_roles(account, by=by, groups=[role], reason=reason)


def store_item_decision(
    item: ReviewItem, account: User, decision: str, by: Any, reason: str
) -> None:
    item.decision = decision
    item.decided_by_id = by.pk
    item.decided_by_text = str(by)[:255]
    item.decided_at = current_time()
    item.reason = reason
    after = {"review": item.review_id, "role": item.role_name, "decision": decision}
    event = record_event("review.decided", actor=by, target=account, after=after, reason=reason)
    item.event_id = event.pk
    item.save()


def close_review(review: AccessReview, *, by: Any) -> AccessReview:
    """Ends a review: each role without a decision gets the outcome that its opener chose."""
    access.require(by, ACTION)
    return end_review(review, by)


def end_review(review: AccessReview, by: Any) -> AccessReview:
    with transaction.atomic():
        review = lock_open_review(review.pk)
        as_frozen = is_as_frozen(review)
        remover = by if isinstance(by, User) else User.objects.get(pk=review.opened_by_id)
        for item in review.items.filter(decision=Decision.OPEN).order_by("pk"):
            end_item(item, review, remover, may_remove=as_frozen)
        review.sha256 = result_digest(review)
        review.closed_at = current_time()
        review.save()
        after = {"review": review.pk, "sha256": review.sha256, "as_frozen": as_frozen}
        record_event("review.closed", actor=by, after=after)
    return review


def end_item(item: ReviewItem, review: AccessReview, remover: User, *, may_remove: bool) -> None:
    """Removes the role, or escalates it, also where `remover` may not remove it. That is whoever
    ends the review, and its opener when its time is up.
    """
    account = User.objects.get(pk=item.account_id)
    system = SystemActor()
    reason = f"No decision before the end of review {review.pk}."
    if may_remove and review.outcome == AccessReview.Outcome.REMOVE:
        try:
            with transaction.atomic():
                take_role(item, account, remover, reason)
                store_item_decision(item, account, Decision.REMOVE, system, reason)
                return
        except (access.Denied, VerbRefused) as refused:
            reason = f"{reason} {refused}"
    store_item_decision(item, account, Decision.ESCALATED, system, reason)


def end_due_reviews() -> int:
    """Ends the reviews whose time is up; returns their number."""
    due = AccessReview.objects.filter(closed_at=None, ends_at__lte=current_time())
    reviews = list(due.order_by("pk")[:BATCH])
    for review in reviews:
        end_review(review, SystemActor())
    return len(reviews)
