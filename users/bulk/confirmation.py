"""The signed confirmation of a preview. It ensures that only the selection that was shown is
changed, and only once.
"""

from dataclasses import astuple, dataclass
from secrets import token_urlsafe
from typing import Any

from django.core import signing

from users.bulk.selection_count import SelectionCount

CONFIRMATION_SALT = "users.bulk.confirmation"
VALID_HOURS = 1


@dataclass(frozen=True)
class Confirmation:
    """`subject` is the slug of the action and the query of the selection, `count` the number of
    selected accounts that was shown, `confirmed_count` the number that is to be typed, and `key`
    the key of the job, which is only started once.
    """

    subject: str
    count: SelectionCount
    confirmed_count: SelectionCount
    key: str

    @classmethod
    def new(
        cls, subject: str, count: SelectionCount, confirmed_count: SelectionCount
    ) -> "Confirmation":
        """Returns a confirmation with a new key."""
        return cls(
            subject,
            count=count,
            confirmed_count=confirmed_count,
            key=token_urlsafe(24),
        )

    def token_for(self, by: Any) -> str:
        """Returns the confirmation as text that is signed for one person."""
        counts = [astuple(self.count), astuple(self.confirmed_count)]
        values = [self.subject, *counts, self.key]
        return signing.dumps(
            values,
            salt=personal_salt(by),
            compress=True,
        )

    @classmethod
    def read(cls, token: str, by: Any) -> "Confirmation | None":
        """Returns the confirmation in a token of this person; None if it was made for someone else,
        was tampered with, or has expired.
        """
        try:
            subject, count, confirmed_count, key = signing.loads(
                token, salt=personal_salt(by), max_age=VALID_HOURS * 3600
            )
            return cls(
                subject,
                count=SelectionCount(*count),
                confirmed_count=SelectionCount(*confirmed_count),
                key=key,
            )
        except (signing.BadSignature, ValueError, TypeError):
            return None


def personal_salt(by: Any) -> str:
    return f"{CONFIRMATION_SALT}:{by.pk}"
