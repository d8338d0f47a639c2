"""The bulk form of erase_account. It erases one account after another, because the data of each
person has to be found.
"""

from django.core.exceptions import ValidationError
from django.db import transaction

from users import access
from users.bulk.account_locks import ACCOUNT_GONE
from users.bulk.condition_action import ConditionAction
from users.bulk.forms import BulkForm
from users.exceptions import VerbRefused
from users.jobs.kinds import Chunk
from users.jobs.models import Job
from users.models import User
from users.verbs.erasure.page import ErasureForm
from users.verbs.erasure.verb import ERASURE_OBSTACLES, erase_account


class BulkErasureForm(BulkForm, ErasureForm):
    confirm = None  # type: ignore[assignment]


class Erase(ConditionAction):
    name = "erase"
    label = "Erase permanently"
    action = "erase"
    question_format = "Permanently erase {}?"
    request_label = "Request erasure"
    event = "account.erased"
    obstacles = ERASURE_OBSTACLES
    slug = "erasure"
    position = 170
    outcome_phrase = "erased"
    icon = "delete"
    dangerous = True
    in_last_section = True
    explanation = "Permanently removes all personal data of these people from Rollcall."
    form = BulkErasureForm
    can_disable_superusers = True
    ends_sessions = True
    # Erasing an account is slow, so chunks are small.
    first_chunk_size = 5
    max_chunk_size = 50

    def describe(self, job: Job, accounts: str) -> str:
        keeps_names = job.parameters.get("reserve", True)
        return f"Permanently erase {accounts}{'' if keeps_names else ' and release the names'}"

    def run(self, chunk: Chunk) -> None:
        accounts = User.objects.in_bulk(chunk.ids)
        for pk in chunk.ids:
            if pk not in accounts:
                chunk.skipped(pk, ACCOUNT_GONE)
            else:
                self.erase(chunk, accounts[pk])

    def erase(self, chunk: Chunk, account: User) -> None:
        reserve = bool(chunk.job.parameters.get("reserve", True))
        try:
            with transaction.atomic():
                erased = erase_account(
                    account, by=chunk.by, reason=chunk.job.reason, reserve=reserve
                )
        except VerbRefused as error:
            chunk.skipped(account.pk, error.message)
        except access.Denied as error:
            chunk.skipped(account.pk, error.reason)
        except ValidationError as error:
            chunk.skipped(account.pk, " ".join(error.messages))
        else:
            chunk.changed(erased, None)
