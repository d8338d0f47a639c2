"""Opens an access review, which freezes who has which role."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare, salted_hmac

from users import access
from users.audit.record import record_event
from users.database.clock import current_time
from users.models import User
from users.role_grants import memberships_in_effect
from users.staff.people import find_staff
from users.staff.reviews.models import AccessReview, ReviewItem
from users.verbs.roles.approval import SUPERUSER

ACTION = "review_access"
# In place of the ID of a role.
SUPERUSER_ITEM = 0
UNUSED_DAYS = 90
BATCH = 1000


def open_review(*, by: Any, name: str, role: Group | None, days: int, outcome: str) -> AccessReview:
    """Opens a review of all roles of staff and all superusers, or of one role. Raises Denied, or
    ValidationError if nobody has one.
    """
    access.require(by, ACTION)
    with transaction.atomic():
        items = current_items(role)
        if not items:
            raise ValidationError({"role": "No staff account has this role."})
        now = current_time()
        review = AccessReview.objects.create(
            name=name,
            outcome=outcome,
            opened_by_id=by.pk,
            opened_by_text=str(by)[:255],
            opened_at=now,
            ends_at=now + timedelta(days=days),
            item_count=len(items),
            fingerprint=items_fingerprint(items, settings.SECRET_KEY),
        )
        freeze_items(review, items, by)
    return review


def freeze_items(review: AccessReview, items: list[ReviewItem], by: Any) -> None:
    """Stores the items, and their fingerprint in the audit trail."""
    for item in items:
        item.review = review
    ReviewItem.objects.bulk_create(items, batch_size=BATCH)
    after = {
        "review": review.pk,
        "items": review.item_count,
        "fingerprint": review.fingerprint,
    }
    record_event("review.opened", actor=by, after=after)


def current_items(role: Group | None) -> list[ReviewItem]:
    """Returns an unsaved item for each role in effect of a staff account, and without `role` one
    for each superuser.
    """
    used = last_uses(role)
    oldest = current_time() - timedelta(days=UNUSED_DAYS)
    items = []
    for account_id, group_id, name in held_access(role):
        last = used.get(account_id)
        item = ReviewItem(
            account_id=account_id,
            group_id=group_id,
            role_name=name,
            last_used=last,
            is_unused=last is None or last < oldest,
        )
        items.append(item)
    return items


def held_access(role: Group | None) -> list[tuple[int, int, str]]:
    """Returns account, role and its name for each item of a review."""
    held = memberships_in_effect().filter(user__is_staff=True).order_by("user_id", "group_id")
    if role is not None:
        held = held.filter(group=role)
    rows = list(held.values_list("user_id", "group_id", "group__name"))
    if role is not None:
        return rows
    superusers = User.objects.filter(is_staff=True, is_superuser=True).order_by("pk")
    ids = superusers.values_list("pk", flat=True)
    return rows + [(account_id, SUPERUSER_ITEM, SUPERUSER) for account_id in ids]


def last_uses(role: Group | None) -> dict[int, datetime | None]:
    """Returns by account when it last did something that left an event, or was last seen."""
    found = {}
    for account in find_staff(role, ""):
        acted_at = account.last_used  # type: ignore[attr-defined]
        times = [time for time in (acted_at, account.last_seen_at) if time]
        found[account.pk] = max(times, default=None)
    return found


def items_fingerprint(items: list[ReviewItem], secret: str) -> str:
    """Returns a digest of accounts and roles in their order, under a key of the site."""
    pairs = sorted((item.account_id, item.group_id) for item in items)
    value = " ".join(f"{account_id}:{group_id}" for account_id, group_id in pairs)
    return salted_hmac("users.staff.reviews", value, secret=secret, algorithm="sha256").hexdigest()


def has_original_items(review: AccessReview) -> bool:
    """Returns whether the review still has exactly the items that it was opened with. It reads all
    of them, so no page asks.
    """
    items = list(review.items.all())
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if constant_time_compare(review.fingerprint, items_fingerprint(items, secret)):
            return True
    return False
