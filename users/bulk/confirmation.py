"""The signed confirmation of a preview: only the selection that was shown is changed, and only
once.
"""

from dataclasses import dataclass
from secrets import token_urlsafe

from django.core import signing

from users.bulk.selection_count import SelectionCount

CONFIRMATION_SALT = "users.bulk.confirmation"
VALID_HOURS = 1


@dataclass(frozen=True)
class Confirmation:
    """`about`: the action and the canonical text of the selection, with its highest id and moment.
    `key`: of the job.
    """

    about: str
    number: SelectionCount
    key: str

    @classmethod
    def new(cls, about: str, number: SelectionCount) -> "Confirmation":
        return cls(about, number, token_urlsafe(24))

    @property
    def token(self) -> str:
        return signing.dumps(
            [self.about, self.number.value, self.number.exact, self.key],
            salt=CONFIRMATION_SALT,
            compress=True,
        )

    @classmethod
    def read(cls, token: str) -> "Confirmation | None":
        """None for one that was tampered with, or is too old."""
        try:
            about, value, exact, key = signing.loads(
                token, salt=CONFIRMATION_SALT, max_age=VALID_HOURS * 3600
            )
        except (signing.BadSignature, ValueError, TypeError):
            return None
        return cls(about, SelectionCount(value, exact), key)
