"""The signed confirmation of a preview. It ensures that only the selection that was shown is
changed, and only once.
"""

from dataclasses import dataclass
from secrets import token_urlsafe

from django.core import signing

from users.bulk.selection_count import SelectionCount

CONFIRMATION_SALT = "users.bulk.confirmation"
VALID_HOURS = 1


@dataclass(frozen=True)
class Confirmation:
    """`subject` is the noun of the action and the query of the selection, `count` the number that
    was shown, and `key` the key of the job, which is only started once.
    """

    subject: str
    count: SelectionCount
    key: str

    @classmethod
    def new(cls, subject: str, count: SelectionCount) -> "Confirmation":
        """Returns a confirmation with a new key."""
        return cls(subject, count, token_urlsafe(24))

    @property
    def token(self) -> str:
        """Returns the confirmation as signed text."""
        return signing.dumps(
            [self.subject, self.count.value, self.count.exact, self.key],
            salt=CONFIRMATION_SALT,
            compress=True,
        )

    @classmethod
    def read(cls, token: str) -> "Confirmation | None":
        """Returns the confirmation in a token; None if it was tampered with or has expired."""
        try:
            subject, value, exact, key = signing.loads(
                token, salt=CONFIRMATION_SALT, max_age=VALID_HOURS * 3600
            )
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return cls(subject, SelectionCount(value, exact), key)
