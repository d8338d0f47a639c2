"""The result of an access review: a file of JSON lines with a checksum.

Reasons are in the audit trail, where names of erased people are removed; each line names its event.
"""

import json
from hashlib import sha256
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from users.staff.reviews.models import AccessReview, ReviewItem

COLUMNS = (
    "account_id",
    "role_name",
    "last_used",
    "is_unused",
    "decision",
    "decided_by_id",
    "decided_at",
    "event_id",
)


def result_file(review: AccessReview) -> bytes:
    """Returns a line about the review, and one for each of its decisions."""
    lines = decision_lines(review)
    head = {
        "review": review.pk,
        "name": review.name,
        "opened_by_id": review.opened_by_id,
        "opened_at": review.opened_at,
        "closed_at": review.closed_at,
        "items": review.item_count,
        "fingerprint": review.fingerprint,
        "sha256_of_the_lines_below": review.sha256,
    }
    return result_line(head) + lines


def decision_lines(review: AccessReview) -> bytes:
    lines = []
    for item in ReviewItem.objects.filter(review=review).order_by("pk"):
        values = {name: getattr(item, name) for name in COLUMNS}
        lines.append(result_line(values))
    return b"".join(lines)


def result_line(values: dict[str, Any]) -> bytes:
    text = json.dumps(values, cls=DjangoJSONEncoder, ensure_ascii=False)
    return f"{text}\n".encode()


def result_digest(review: AccessReview) -> str:
    return sha256(decision_lines(review)).hexdigest()
