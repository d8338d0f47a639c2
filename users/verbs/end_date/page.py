""""""

from typing import Any

from django.http import QueryDict

from users.models import User
from users.web.forms import VerbForm, moment_field, reason_field


class EndDateForm(VerbForm):
    until = moment_field(
        label="End date", help_text="In UTC. The user can’t sign in after this time."
    )
    reason = reason_field(required=False)

    @classmethod
    def start(cls, account: User, query: QueryDict) -> dict[str, Any]:
        return super().start(account, query) | {"until": account.valid_until}
