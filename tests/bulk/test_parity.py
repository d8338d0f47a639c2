"""Each bulk action over a set leaves what its verb leaves over an equal set, one by one."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from tests.builders import make_superuser, make_user
from tests.bulk.populations import LATER, groups, population
from tests.bulk.running import ended, run
from tests.outside import outside_events, outside_triggers
from users import access
from users.audit.models import AuditEvent
from users.bulk.registry import ACTIONS_BY_SLUG
from users.exceptions import VerbRefused
from users.jobs.models import JobItem
from users.mail.models import Letter, Message
from users.models import User
from users.privacy.models import Reservation
from users.sessions.models import Session
from users.verbs.deletion.verb import delete_account
from users.verbs.end_date.verb import set_end_date
from users.verbs.end_date_removal.verb import clear_end_date
from users.verbs.erasure.verb import erase_account
from users.verbs.letter.verb import send_letter
from users.verbs.password_change.verb import require_password_change
from users.verbs.password_reset.verb import send_password_reset
from users.verbs.profile.verb import edit_profile
from users.verbs.reinstatement.verb import reinstate_account
from users.verbs.restoration.verb import restore_account
from users.verbs.role_addition.verb import add_roles
from users.verbs.role_removal.verb import remove_roles
from users.verbs.session_end.verb import end_sessions
from users.verbs.suspension.verb import suspend_account
from users.verbs.verification.verb import verify_email
from users.verbs.verification_email.verb import send_verification

pytestmark = pytest.mark.django_db
NOON = datetime(2999, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
PAST = datetime(2020, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Same:
    """`verb(account, by=…)` does to one account what the action with `parameters` does to many."""

    verb: Callable[..., User]
    parameters: dict[str, Any] | Callable[[], dict[str, Any]] = field(default_factory=dict)
    reason: str = "A <reason>"


def joining(*names: str) -> Same:
    return Same(
        lambda account, by: add_roles(account, by=by, groups=groups(*names), reason="A <reason>"),
        lambda: {"groups": [group.pk for group in groups(*names)]},
    )


def leaving(*names: str) -> Same:
    return Same(
        lambda account, by: remove_roles(
            account, by=by, groups=groups(*names), reason="A <reason>"
        ),
        lambda: {"groups": [group.pk for group in groups(*names)]},
    )


def setting(field: str, value: str) -> Same:
    return Same(
        lambda account, by: edit_profile(account, by=by, version=None, **{field: value}),
        {"field": field, "value": value},
        "",
    )


CASES = {
    "suspension": [
        Same(lambda account, by: suspend_account(account, by=by, reason="A <reason>")),
        Same(
            lambda account, by: suspend_account(account, by=by, reason="A <reason>", until=NOON),
            {"until": NOON.isoformat()},
        ),
    ],
    "reinstatement": [
        Same(lambda account, by: reinstate_account(account, by=by, reason="A <reason>")),
        Same(lambda account, by: reinstate_account(account, by=by), reason=""),
    ],
    "end-date": [
        Same(
            lambda account, by: set_end_date(account, by=by, until=NOON, reason="A <reason>"),
            {"until": NOON.isoformat()},
        ),
        Same(
            lambda account, by: set_end_date(account, by=by, until=LATER),
            {"until": LATER.isoformat()},
            "",
        ),
    ],
    "end-date-removal": [
        Same(lambda account, by: clear_end_date(account, by=by, reason="A <reason>"))
    ],
    "groups": [
        joining("Viewer"),
        joining("Viewer", "Friends"),
        joining("Friends", "Manager"),
    ],
    "groups-removal": [leaving("Viewer"), leaving("Viewer", "Friends")],
    "password-change": [
        Same(lambda account, by: require_password_change(account, by=by, reason="A <reason>"))
    ],
    "verification": [Same(lambda account, by: verify_email(account, by=by, reason="A <reason>"))],
    "password-reset": [Same(lambda account, by: send_password_reset(account, by=by), reason="")],
    "verification-mail": [Same(lambda account, by: send_verification(account, by=by), reason="")],
    "letter": [
        Same(
            lambda account, by: send_letter(
                account, by=by, subject="To {name}", text="Dear {name}"
            ),
            {"subject": "To {name}", "text": "Dear {name}"},
            "",
        )
    ],
    "sessions-end": [Same(lambda account, by: end_sessions(account, by=by, reason="A <reason>"))],
    "attribute": [setting("locale", "pt-BR"), setting("time_zone", "")],
    "deletion": [Same(lambda account, by: delete_account(account, by=by, reason="A <reason>"))],
    "restoration": [
        Same(lambda account, by: restore_account(account, by=by, reason="A <reason>")),
        Same(lambda account, by: restore_account(account, by=by), reason=""),
    ],
    "erasure": [
        Same(lambda account, by: erase_account(account, by=by, reason="A <reason>")),
        Same(
            lambda account, by: erase_account(account, by=by, reason="A <reason>", reserve=False),
            {"reserve": False},
        ),
    ],
}


@pytest.fixture(scope="module")
def populations(django_db_setup, django_db_blocker):
    """The ids of two populations that are equal."""
    with django_db_blocker.unblock(), transaction.atomic():
        now = timezone.now()
        made = [[account.pk for account in population(now)] for _ in range(2)]
        with django_db_blocker.block():
            yield made
        transaction.set_rollback(True)


@pytest.fixture
def equal_accounts(populations, db) -> list[list[User]]:
    """Two lists of accounts; each has an equal one at the same place in the other list."""
    accounts = User.objects.in_bulk([pk for ids in populations for pk in ids])
    return [[accounts[pk] for pk in ids] for ids in populations]


def lead() -> User:
    """Somebody who may do everything to ordinary accounts and to staff with no more rights than a
    support agent has.
    """
    account = make_user("Support")
    names = [
        name.partition(".")[2] for name in access.PERMISSIONS.values() if "group" not in name
    ] + ["manage_staff"]
    account.user_permissions.add(
        *Permission.objects.filter(codename__in=names, content_type__app_label="users")
    )
    return account


ACTORS = {"a manager": lambda: make_user("Manager"), "a lead": lead, "a superuser": make_superuser}


def one_by_one(same: Same, accounts: list[User], by: Any) -> dict[int, str]:
    """What verbs said no to, and how."""
    refused = {}
    for account in accounts:
        try:
            same.verb(User.objects.get(pk=account.pk), by=by)
        except VerbRefused as error:
            refused[account.pk] = error.message
        except access.Denied as error:
            refused[account.pk] = error.reason
    return refused


OWN = {
    "id",
    "username",
    "email",
    "search_key",
    "password",
    "updated_at",
    "date_joined",
    "last_login",
    "email_domain",
}
MOMENTS = ("deleted_at", "email_verified_at")


@dataclass
class Stored:
    """What the database holds of some accounts, each read in one query."""

    accounts: list[User]

    def __post_init__(self) -> None:
        ids = [account.pk for account in self.accounts]
        self.rows = {row["id"]: row for row in User.objects.filter(pk__in=ids).values()}
        self.roles = grouped(User.groups.through.objects.filter(user__in=ids), "user_id")
        self.mails = grouped(Message.objects.filter(account__in=ids), "account_id")
        self.sessions = grouped(Session.objects.filter(account_id__in=ids), "account_id")
        self.reserved = grouped(Reservation.objects.filter(account_id__in=ids), "account_id")
        self.events = grouped(AuditEvent.objects.filter(target_id__in=ids), "target_id")


def grouped(rows: QuerySet, key: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for each in rows.order_by("pk"):
        found[getattr(each, key)].append(each)
    return found


def left(account: User, stored: Stored, now: datetime) -> dict[str, Any]:
    """The row and what belongs to it, but for what tells two equal accounts apart, and for the
    moment of the change.
    """
    row = stored.rows[account.pk]
    mails = stored.mails[account.pk]
    return {
        **dated({name: value for name, value in row.items() if name not in OWN}, now),
        "groups": sorted(each.group_id for each in stored.roles[account.pk]),
        "updated": row["updated_at"] > account.updated_at,
        "named": (row["username"] == account.username, row["email"] == account.email),
        "mails": [
            (mail.kind, mail.state, mail.to == account.email, mail.attempts) for mail in mails
        ],
        "sessions": len(stored.sessions[account.pk]),
        "reserved": len(stored.reserved[account.pk]),
    }


def dated(values: dict[str, Any], now: datetime) -> dict[str, Any]:
    found = dict(values)
    for name in MOMENTS:
        value = found.get(name)
        at = parse_datetime(value) if isinstance(value, str) else value
        found |= {name: "just now"} if at and at >= now.replace(microsecond=0) else {}
    return found | (
        {"letter": Letter.objects.get(pk=found["letter"]).text} if "letter" in found else {}
    )


def told(account: User, stored: Stored, now: datetime) -> list[tuple[Any, ...]]:
    """Its events; and whether they name it as it is called now, or was."""
    found = stored.events[account.pk]
    names = {account.username, stored.rows[account.pk]["username"]}
    return [
        (
            e.action,
            e.actor_id,
            e.actor_text,
            e.reason,
            e.target_text in names,
            (e.target_version or 0) - account.version,
        )
        for e in found
    ] + [(dated(e.before, now), dated(e.after, now)) for e in found]


@pytest.fixture(autouse=True)
def no_second_person(settings):
    settings.BULK_APPROVAL_ABOVE_FOR = {}


GATES = (
    "suspension",
    "groups",
)  # where all actors are asked: the gate is the same for all, but for what groups give
ALL = [
    pytest.param(slug, same, actor, id=f"{slug}-{n}-{actor}")
    for slug, cases in CASES.items()
    for n, same in enumerate(cases)
    for actor in ACTORS
    if actor == "a superuser" or (n == 0 and actor == "a manager") or slug in GATES
]


@pytest.mark.long(15)
@pytest.mark.parametrize(("slug", "same", "actor"), ALL)
def test_many_at_once_are_as_one_by_one(slug, same, actor, equal_accounts):
    by = ACTORS[actor]()
    make_superuser()  # so that nobody is the last
    with outside_triggers():
        compare(slug, same, by, equal_accounts)
        assert outside_events() == []


def compare(slug: str, same: Same, by: User, equal_accounts: list[list[User]]) -> None:
    now = timezone.now()
    ones, many = equal_accounts
    refused = one_by_one(same, [*ones, by], by)
    parameters = same.parameters() if callable(same.parameters) else same.parameters
    if not access.may(by, ACTIONS_BY_SLUG[slug].action):
        with pytest.raises(access.Denied):
            run(slug, many, by=by, reason=same.reason, parameters=parameters)
        assert len(refused) == len(ones) + 1
        return
    job = run(slug, [*many, by], by=by, reason=same.reason, parameters=parameters)
    assert ended(job) == "done", job.note
    skipped = dict(
        JobItem.objects.filter(job=job, outcome="skipped").values_list("account_id", "reason")
    )
    assert [skipped.get(pk.pk) for pk in [*many, by]] == [refused.get(pk.pk) for pk in [*ones, by]]
    stored = Stored([*ones, *many])
    for one, other in zip(ones, many, strict=True):
        assert left(other, stored, now) == left(one, stored, now)
        assert told(other, stored, now) == told(one, stored, now)
    own = AuditEvent.objects.filter(target_id__in=[account.pk for account in many])
    assert set(own.values_list("job_id", flat=True)) <= {job.pk}
    assert own.count() == job.changed


def test_every_action_is_compared():
    assert set(CASES) == {
        slug for slug, action in ACTIONS_BY_SLUG.items() if action.changes_accounts
    }
