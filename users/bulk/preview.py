"""The preview of a bulk action: how many accounts it changes, its impact, and which accounts are
skipped and why.

Up to SELECTION_CAP accounts everything is counted exactly. In larger selections, properties that
few accounts have (staff access, sessions, queued emails) are counted through their own indexes, and
percentages come from a random sample; the texts say which is which.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import Count, Q, QuerySet

from users import masking
from users.bulk.account_locks import administrator_refusals, find_refusal_reasons, plain_accounts
from users.bulk.action import BulkAction
from users.bulk.condition_action import NOTHING_TO_DO, ConditionAction
from users.bulk.selection import EXAMPLE_LIMIT, SELECTION_CAP, Selection
from users.bulk.selection_count import (
    COUNT_TIMEOUT_MS,
    FIGURE_TIMEOUT_MS,
    SAMPLE_MIN,
    SelectionCount,
    count_rows,
    count_selection,
    round_estimate,
    sample_ids,
    selected_accounts,
    time_limit,
)
from users.database.clock import current_time
from users.directory.counts import format_estimate
from users.jobs.models import Job
from users.mail.models import Message
from users.models import User, UserQuerySet
from users.sessions.models import Session

UNKNOWN_COUNT = "too many to count in time"
NOTHING_TO_CHANGE = "No change needed."
ROLES_SHOWN = 4
# Returns those of the accounts that will change.
Eligible = Callable[[UserQuerySet], QuerySet[Any]]


@dataclass(frozen=True)
class PreviewFigure:
    """One line of the impact. It is `highlighted` if it deserves a second look."""

    label: str
    value: str
    highlighted: bool = False
    note: str = ""


@dataclass
class Preview:
    """The figures of a preview. `count` is the number of selected accounts, `change_count` of those
    that will change; None if that can't be told. `skips` has numbers with their reasons.
    `sample_size` is 0 if all accounts were counted. `examples` are accounts that will change; None
    if they are not known.
    """

    count: SelectionCount
    change_count: SelectionCount | None = None
    figures: list[PreviewFigure] = field(default_factory=list)
    skips: list[tuple[str, str]] = field(default_factory=list)
    sample_size: int = 0
    examples: list[User] | None = None

    @property
    def confirmed_count(self) -> SelectionCount:
        """The number that is typed to confirm: of the accounts that will change, if it is known."""
        return self.count if self.change_count is None else self.change_count

    @property
    def words(self) -> str:
        """Returns "3 accounts", or "366 of 9,307 accounts" if the others will be skipped."""
        if self.confirmed_count == self.count:
            return self.count.words
        return f"{self.confirmed_count.number} of {self.count.words}"


@dataclass(frozen=True)
class Sample:
    """The accounts that percentages are computed from: all of the selection, or some of it. Each of
    them stands for `scale` accounts; `scale` is 0 if the sample is too small.
    """

    accounts: UserQuerySet
    scale: float


def preview_action(action: BulkAction, selection: Selection, by: Any, job: Job) -> Preview:
    """Returns the preview, and sets `by_id` and `planned` of `job` without saving it. The job's
    parameters may decide what is skipped.
    """
    job.by_id = by.pk  # some actions skip the person who asks
    preview = build_preview(action, selection, by, job)
    if preview.change_count and preview.change_count.exact:
        job.planned = preview.change_count.value
    return preview


def build_preview(action: BulkAction, selection: Selection, by: Any, job: Job) -> Preview:
    preview = Preview(count_selection(selection))
    if not action.changes_accounts:
        preview.change_count = preview.count
        return preview
    accounts = selected_accounts(selection)
    if preview.count.exact and preview.count.value <= SELECTION_CAP:
        ids = list(accounts.values_list("pk", flat=True)[:SELECTION_CAP])
        accounts = plain_accounts().filter(pk__among=ids)
        sample = Sample(accounts, scale=1.0)
    else:
        sample = draw_sample(selection, preview)
    refused = preview_refusals(action, by, accounts)
    changing = changing_accounts(action, sample, refused or {}, job, accounts)
    preview.figures = impact_figures(action, accounts, changing, sample, refused)
    preview.skips = preview_skips(action, sample, refused, job)
    if refused is not None:
        eligible = partial(eligible_accounts, action, refused, job)
        preview.change_count = count_changing(preview.count, sample, accounts, eligible)
        preview.examples = changing_examples(sample, eligible)
        add_further_skips(action, preview, sample, eligible)
    return preview


def draw_sample(selection: Selection, preview: Preview) -> Sample:
    """Returns a sample of a large selection and notes its size in the preview."""
    ids = sample_ids(selection)
    preview.sample_size = len(ids)
    scale = preview.count.value / len(ids) if len(ids) >= SAMPLE_MIN else 0.0
    return Sample(plain_accounts().filter(pk__among=ids), scale)


def preview_refusals(action: BulkAction, by: Any, accounts: UserQuerySet) -> dict[int, str] | None:
    """Returns a reason by account id for the accounts that `by` may not change; None if finding
    them takes too long.
    """
    with time_limit(FIGURE_TIMEOUT_MS):
        refused = find_refusal_reasons(accounts, by=by, action=action.action)
        if action.can_disable_superusers:
            refused |= administrator_refusals(accounts, refused, by)
        return refused
    return None


# --- accounts that will change --------------------------------------------------------------------


def count_changing(
    count: SelectionCount, sample: Sample, accounts: UserQuerySet, eligible: Eligible
) -> SelectionCount | None:
    """Returns how many of `accounts` will change: exactly if they can be counted in time, otherwise
    estimated from the sample. None if neither is possible.
    """
    if count.exact:
        with time_limit(COUNT_TIMEOUT_MS):
            return SelectionCount(eligible(accounts).count())
    if not sample.scale:
        return None
    with time_limit(FIGURE_TIMEOUT_MS):
        found = eligible(sample.accounts).count()
        # With fewer, the estimate is too rough to be typed.
        if found >= SAMPLE_MIN:
            estimate = round_estimate(round(found * sample.scale))
            return SelectionCount(estimate, exact=False)
    return None


def changing_examples(sample: Sample, eligible: Eligible) -> list[User] | None:
    """Returns the first accounts of the sample that will change; None if the database takes too
    long.
    """
    with time_limit(FIGURE_TIMEOUT_MS):
        return list(eligible(sample.accounts).order_by("pk")[:EXAMPLE_LIMIT])
    return None


def example_context(preview: Preview, viewer: Any) -> dict[str, Any]:
    """Returns the examples that will change, in place of the first accounts of the selection; {} if
    they are not known.
    """
    if preview.examples is None:
        return {}
    return {"examples": masking.mask_accounts(preview.examples, viewer)}


def eligible_accounts(
    action: BulkAction, refused: dict[int, str], job: Job, accounts: UserQuerySet
) -> QuerySet[Any]:
    """Returns those of `accounts` that the action neither skips nor leaves as they are."""
    permitted = accounts.exclude(pk__among=list(refused))
    if not isinstance(action, ConditionAction):
        return permitted
    found = action.with_skip_reasons(permitted, job, current_time())
    return found.filter(skip_reason="")


def changing_accounts(
    action: BulkAction, sample: Sample, refused: dict[int, str], job: Job, accounts: UserQuerySet
) -> QuerySet[Any]:
    """Returns those of `accounts` that will change. In a large selection these are all that may be
    changed, since checking the state of each takes too long.
    """
    if sample.scale == 1:
        return eligible_accounts(action, refused, job, accounts)
    return accounts.exclude(pk__among=list(refused))


# --- impact ---------------------------------------------------------------------------------------


def impact_figures(
    action: BulkAction,
    accounts: UserQuerySet,
    changing: QuerySet[Any],
    sample: Sample,
    refused: dict[int, str] | None,
) -> list[PreviewFigure]:
    """Returns the figures of the selected `accounts`, of which `changing` will change and `refused`
    may not be changed.
    """
    if not action.has_impact:
        return []
    staff = count_rows(accounts.filter(is_staff=True))
    figures = [
        session_figure(action, changing if action.ends_sessions else accounts),
        mail_figure(accounts),
        staff_figure(accounts, staff),
        refusal_figure(refused),
        PreviewFigure("Never signed in", never_signed_in(sample)),
    ]
    if action.can_disable_superusers and staff:
        figures.append(lost_access_figure(accounts, refused or {}))
    return figures


def session_figure(action: BulkAction, accounts: QuerySet[Any]) -> PreviewFigure:
    sessions = count_rows(
        Session.objects.filter(expire_date__gt=current_time(), account_id__in=accounts.values("pk"))
    )
    effect = "will end" if action.ends_sessions else "stay open"
    return PreviewFigure(
        label="Active sessions",
        value=format_count(sessions),
        highlighted=bool(sessions) and action.ends_sessions,
        note=effect if sessions else "",
    )


def mail_figure(accounts: UserQuerySet) -> PreviewFigure:
    queued = count_rows(
        Message.objects.filter(state=Message.State.WAITING, account_id__in=accounts.values("pk"))
    )
    return PreviewFigure("Queued emails", format_count(queued), highlighted=bool(queued))


def staff_figure(accounts: UserQuerySet, staff: int | None) -> PreviewFigure:
    return PreviewFigure(
        label="Staff accounts included",
        value=format_count(staff),
        highlighted=bool(staff),
        note=superusers_note(count_rows(accounts.filter(is_superuser=True))),
    )


def superusers_note(number: int | None) -> str:
    if not number:
        return ""
    return f"{number:,} of them superuser{'s' if number > 1 else ''}"


def refusal_figure(refused: dict[int, str] | None) -> PreviewFigure:
    return PreviewFigure(
        label="Accounts you may not change",
        value=format_count(None if refused is None else len(refused)),
        highlighted=bool(refused),
    )


def never_signed_in(sample: Sample) -> str:
    """Returns the share of accounts that nobody has ever signed in to, in words."""
    never = Count("pk", filter=Q(last_seen_at=None, last_login=None))
    with time_limit(FIGURE_TIMEOUT_MS):
        counts = sample.accounts.aggregate(all=Count("pk"), never=never)
        if not sample.scale:
            return "sample too small"
        if not counts["all"]:
            return "none"
        percent = round(100 * counts["never"] / counts["all"])
        return f"{counts['never']:,} ({percent}%)" if sample.scale == 1 else f"about {percent}%"
    return UNKNOWN_COUNT


def lost_access_figure(accounts: UserQuerySet, refused: dict[int, str]) -> PreviewFigure:
    """Returns the number of staff who lose access to the back office, with their roles."""
    lost = count_lost_roles(accounts, refused)
    roles = [f"{name} {number:,}" for name, number in lost.most_common(ROLES_SHOWN)]
    if len(lost) > ROLES_SHOWN:
        roles.append("…")
    return PreviewFigure(
        label="Will lose back-office access",
        value=format_count(sum(lost.values())),
        highlighted=bool(lost),
        note=", ".join(roles),
    )


def count_lost_roles(accounts: UserQuerySet, refused: dict[int, str]) -> Counter[str]:
    """Counts the staff accounts that would be changed, by role. Each account counts once."""
    lost: Counter[str] = Counter()
    with time_limit(FIGURE_TIMEOUT_MS):
        staff = accounts.filter(is_staff=True).values_list("pk", "groups__name")
        rows = staff[: SELECTION_CAP + 1]
        roles = {pk: name or "no role" for pk, name in rows if pk not in refused}
        lost.update(roles.values())
    return lost


def format_count(number: int | None) -> str:
    if number is None:
        return UNKNOWN_COUNT
    if number > SELECTION_CAP:
        return f"more than {SELECTION_CAP:,}"
    return f"{number:,}" if number else "none"


# --- skipped accounts -----------------------------------------------------------------------------


def preview_skips(
    action: BulkAction, sample: Sample, refused: dict[int, str] | None, job: Job
) -> list[tuple[str, str]]:
    """Returns the numbers of skipped accounts with their reasons: first those that may not be
    changed, then those whose state the verb would refuse, each with the most frequent reason first.
    """
    refused = refused or {}
    skips = [
        (format_count(number), reason) for reason, number in Counter(refused.values()).most_common()
    ]
    if not sample.scale or not isinstance(action, ConditionAction):
        return skips
    permitted = sample.accounts.exclude(pk__among=list(refused))
    rows = action.with_skip_reasons(permitted, job, current_time()).exclude(skip_reason="")
    counts = rows.values_list("skip_reason").annotate(n=Count("pk")).order_by("-n")
    with time_limit(FIGURE_TIMEOUT_MS):
        for reason, number in counts:
            shown_reason = NOTHING_TO_CHANGE if reason == NOTHING_TO_DO else reason
            skips.append((format_share(number, sample.scale), shown_reason))
    return skips


def add_further_skips(
    action: BulkAction, preview: Preview, sample: Sample, eligible: Eligible
) -> None:
    """Adds what only the action itself can tell to the skipped accounts of the preview, and
    subtracts it from the number of those that will change.
    """
    if not sample.scale or not isinstance(action, ConditionAction):
        return
    with time_limit(FIGURE_TIMEOUT_MS):
        for number, reason in action.further_skips(eligible(sample.accounts)):
            preview.skips.append((format_share(number, sample.scale), reason))
            if preview.change_count:
                preview.change_count = subtract_share(preview.change_count, number, sample.scale)


def subtract_share(count: SelectionCount, number: int, scale: float) -> SelectionCount:
    """Returns the count without what `number` accounts of a sample stand for."""
    left = max(count.value - round(number * scale), 0)
    if scale == 1:
        return SelectionCount(left, count.exact)
    return SelectionCount(round_estimate(left), exact=False)


def format_share(number: int, scale: float) -> str:
    """Returns the number of accounts that `number` accounts of a sample stand for."""
    if scale == 1:
        return format_count(number)
    return f"about {format_estimate(round(number * scale))}"
