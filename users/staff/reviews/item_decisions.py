"""Decides about the roles in an access review, and ends the review."""

from contextlib import suppress
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from users import access
from users.administrators import lock_administrators
from users.audit.record import record_event
from users.audit.redaction import SystemActor
from users.database.clock import current_time
from users.exceptions import VerbRefused
from users.models import User
from users.staff.reviews.escalation import escalate_review, may_still_review
from users.staff.reviews.models import AccessReview, ReviewItem
from users.staff.reviews.opening import ACTION, SUPERUSER_ITEM, has_original_items
from users.staff.reviews.result import result_digest
from users.verbs.role_removal.verb import remove_roles
from users.verbs.roles.verb import assign_roles
from users.verbs.transaction import require_reason

Decision = ReviewItem.Decision
OWN_ROLE = "Nobody may review their own roles. Ask a colleague."
ACCOUNT_ERASED = "This account no longer exists."
# Roles that one request removes, each with some twenty statements. The task has more time.
MAX_AT_ONCE = 100
TOO_MANY_UNDECIDED = (
    "More than {} roles are undecided, too many to remove at once. Decide about some of them, "
    "or wait until the review ends by itself."
)
# Reviews in one run of the task.
BATCH = 20
# Roles in one transaction when a review ends.
ITEM_BATCH = 50


def decide_item(item: ReviewItem, *, by: Any, decision: str, reason: str) -> ReviewItem:
    """Keeps or removes one role. Raises Denied, VerbRefused or ValidationError."""
    access.require(by, ACTION)
    reason = require_reason(reason)
    with transaction.atomic():
        review = lock_open_review(item.review_id)
        item = ReviewItem.objects.get(pk=item.pk)
        account = User.objects.filter(pk=item.account_id).first()
        if item.decision:
            raise VerbRefused(f"{item.decided_by_text} has already decided about this role.")
        if account is None:
            raise VerbRefused(ACCOUNT_ERASED)
        if by.pk == item.account_id:
            raise access.Denied(ACTION, OWN_ROLE, target=account)
        if decision == Decision.REMOVE:
            take_role(item, account, by, reason)
        store_item_decision(item, account, decision, by, reason)
        review.decided_count += 1
        review.save(update_fields=["decided_count"])
    return item


def lock_open_review(pk: int) -> AccessReview:
    """Returns the review, locked. Raises VerbRefused if it has ended."""
    # A removal locks administrators, which come before anything else.
    lock_administrators()
    review = AccessReview.objects.select_for_update().get(pk=pk)
    if review.closed_at:
        raise VerbRefused("This review has ended.")
    return review


def take_role(item: ReviewItem, account: User, by: Any, reason: str) -> None:
    """Removes the role, unless the account has lost it since the review was opened."""
    if item.group_id == SUPERUSER_ITEM:
        remove_superuser(account, by, reason)
        return
    role = Group.objects.filter(pk=item.group_id, user=account).first()
    if role is not None:
        remove_roles(account, by=by, groups=[role], reason=reason)


def remove_superuser(account: User, by: Any, reason: str) -> None:
    """Removes the superuser status. The account keeps its roles and stays on the staff."""
    if not account.is_superuser:
        return
    assign_roles(
        account,
        by=by,
        groups=account.groups.all(),
        is_staff=account.is_staff,
        is_superuser=False,
        reason=reason,
        version=account.version,
    )


def store_item_decision(
    item: ReviewItem, account: User | None, decision: str, by: Any, reason: str
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
    """Ends a review: each role without a decision gets the outcome that its opener chose. Raises
    Denied or VerbRefused.
    """
    access.require(by, ACTION)
    removes = review.outcome == AccessReview.Outcome.REMOVE
    if removes and review.undecided_count > MAX_AT_ONCE:
        raise VerbRefused(TOO_MANY_UNDECIDED.format(MAX_AT_ONCE))
    return end_review(review, by, remover=by)


def end_review(review: AccessReview, by: Any, *, remover: Any) -> AccessReview:
    """Ends a review for `by`. `remover`: in whose name roles are removed.

    Each batch of roles has its own transaction, because a removal locks all administrators.
    Colleagues may decide in between, and the next run continues one that was interrupted.
    """
    is_intact = has_original_items(review)
    while review.closed_at is None:
        review = end_item_batch(review, by, remover=remover, is_intact=is_intact)
    return review


def end_item_batch(review: AccessReview, by: Any, *, remover: Any, is_intact: bool) -> AccessReview:
    """Decides about a batch of the undecided roles, and closes the review after the last one."""
    with transaction.atomic():
        review = lock_open_review(review.pk)
        review.is_intact = is_intact
        undecided = review.items.filter(decision=Decision.OPEN).order_by("pk")
        items = list(undecided[: ITEM_BATCH + 1])
        for item in items[:ITEM_BATCH]:
            end_item(item, review, remover)
            review.decided_count += 1
        if len(items) > ITEM_BATCH:
            review.save(update_fields=["decided_count"])
        else:
            record_review_end(review, by)
    return review


def record_review_end(review: AccessReview, by: Any) -> None:
    """Closes a review, with the checksum of its result."""
    # The list may have been changed between two batches.
    review.is_intact = review.is_intact and has_original_items(review)
    review.sha256 = result_digest(review)
    review.closed_at = current_time()
    review.decided_count = review.item_count
    review.save()
    after = {
        "review": review.pk,
        "sha256": review.sha256,
        "intact": review.is_intact,
    }
    record_event("review.closed", actor=by, after=after)


def end_item(item: ReviewItem, review: AccessReview, remover: Any) -> None:
    """Removes the role, or escalates it where `remover` may not remove it."""
    account = User.objects.filter(pk=item.account_id).first()
    system = SystemActor()
    reason = f"No decision before the end of review {review.pk}."
    if account and review.is_intact and review.outcome == AccessReview.Outcome.REMOVE:
        try:
            with transaction.atomic():
                take_role(item, account, remover, reason)
                store_item_decision(item, account, Decision.REMOVE, system, reason)
                return
        except (access.Denied, VerbRefused) as refused:
            reason = f"{reason} {refused}"
    store_item_decision(item, account, Decision.ESCALATED, system, reason)


def end_due_reviews() -> int:
    """Ends the reviews whose time is up, or leaves them to administrators; returns their number."""
    due = AccessReview.objects.filter(
        closed_at=None,
        escalated_at=None,
        ends_at__lte=current_time(),
    )
    reviews = list(due.order_by("pk")[:BATCH])
    for review in reviews:
        opener = User.objects.filter(pk=review.opened_by_id).first()
        if may_still_review(opener) or review.outcome == AccessReview.Outcome.ESCALATE:
            # Someone else may end it between two batches.
            with suppress(VerbRefused):
                end_review(review, SystemActor(), remover=opener)
        else:
            escalate_review(review)
    return len(reviews)
