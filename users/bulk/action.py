"""The base class of bulk actions. A bulk action applies a verb to all accounts of a selection.

Each is declared in the folder of its verb. Most set columns of the account and describe the change
by expressions (users/bulk/column_action.py); the others implement `run` themselves. An action must
leave the same rows and events as the verb applied to one account after another, which
tests/bulk/test_parity.py checks.
"""

from typing import Any, ClassVar

from django.utils import timezone

from users.bulk.selection import Selection
from users.bulk.selection_count import SelectionCount
from users.bulk.selection_kind import SelectionKind
from users.bulk.undo_rules import bulk_job_links
from users.directory.days import STORED_WORDS_ZONE
from users.jobs import engine
from users.jobs.kinds import JobLink
from users.jobs.models import Job
from users.models import User
from users.sudo.recent import SUDO_ACTIONS


class BulkAction(SelectionKind):
    """A kind of job that is started on the page of a selection."""

    # The action of the audit event that each account gets.
    event: ClassVar[str]
    # The name in the URL: /users/bulk/suspension/.
    slug: ClassVar[str]
    # Completes the sentence "All 3 will be …", such as "suspended".
    outcome_phrase: ClassVar[str]
    # The heading of the preview, in which {} stands for "3 accounts". By default it is the label
    # followed by {}.
    question_format: ClassVar[str] = ""
    # Shown above the form.
    explanation: ClassVar[str]
    icon: ClassVar[str] = "check"
    # Sorts the actions on the selection page, lowest first.
    position: ClassVar[int]
    # The heading in the menu of the selection page. Actions without one are buttons there,
    # unless they are in the last section of the menu.
    menu: ClassVar[str] = ""
    # It is a button in the bar below the list of the directory; the others are in its menu.
    in_bar: ClassVar[bool] = False
    # The button that confirms is red.
    dangerous: ClassVar[bool] = False
    # Hard to undo, so it is in the last section of the menu.
    in_last_section: ClassVar[bool] = False
    # A users.bulk.forms.BulkForm. Its fields except `reason` become parameters of the job.
    form: ClassVar[Any]
    # It can end a superuser's access, so the last active superuser has to be skipped.
    can_disable_superusers: ClassVar[bool] = False
    ends_sessions: ClassVar[bool] = False
    # The action of users.access that undoing it requires; empty if it can't be undone.
    undo_action: ClassVar[str] = ""
    approval_rule: ClassVar[str] = "above"
    # The button if a second person has to approve the job.
    request_label: ClassVar[str] = "Request approval"
    # False if accounts, and everything that belongs to them, stay as they are.
    changes_accounts: ClassVar[bool] = True
    # The preview shows what the accounts have, such as sessions.
    has_impact: ClassVar[bool] = True
    # The form has a `sample`: the email that one of the accounts would get.
    has_sample: ClassVar[bool] = False

    @property
    def url(self) -> str:
        """The page of the action, without its selection."""
        return f"/users/bulk/{self.slug}/"

    def links(self, job: Job, viewer: Any) -> list[JobLink]:
        """Returns the links to the approval and the undo of the job."""
        return bulk_job_links(job, viewer)

    def allows_tokens(self) -> bool:
        """Returns whether a token may start the action: it can't confirm an identity."""
        return self.action not in SUDO_ACTIONS

    def sample_account(self, accounts: list[User]) -> User:
        """Returns the account whose sample is shown."""
        return accounts[0]

    def title(self, job: Job) -> str:
        return self.describe(job, self.account_count_words(job))

    def describe(self, job: Job, accounts: str) -> str:
        """Returns what the job does to `accounts`, the number in words."""
        return self.confirmation_question(accounts).removesuffix("?")

    def confirmation_question(self, accounts: str) -> str:
        """Returns the heading of the preview; `accounts` is the number in words: "3 accounts"."""
        question_format = self.question_format or f"{self.label} {{}}?"
        return question_format.format(accounts)

    def job_parameters(self, values: dict[str, Any]) -> dict[str, Any]:
        """Returns the cleaned values of the form as the job's parameters, which are JSON."""
        return {name: parameter_json(value) for name, value in values.items()}


def parameter_json(value: Any) -> Any:
    """Returns a cleaned value as JSON: querysets as lists of ids, times as ISO 8601 text."""
    if value is None or isinstance(value, str | int | bool | list):
        return value
    if hasattr(value, "values_list"):
        return list(value.values_list("pk", flat=True))
    return value.isoformat()


def start_bulk_job(
    action: BulkAction, selection: Selection, count: SelectionCount, *, by: Any, draft: Job
) -> Job:
    """Starts the job for a selection with the reason, the parameters, the planned number and the
    key of `draft`, which is not stored. The job is queued or waits for approval. Raises
    access.Denied or JobRefused.
    """
    with timezone.override(STORED_WORDS_ZONE):
        words = selection.words
    return engine.start_job(
        action.name,
        by=by,
        selection=selection.query,
        words=words,
        up_to=selection.up_to or max(selection.ids),
        as_of=selection.at,
        expected=count.value if count.exact else None,
        planned=draft.planned,
        reason=draft.reason,
        parameters=draft.parameters,
        key=draft.key,
    )
