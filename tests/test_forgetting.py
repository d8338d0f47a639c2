"""Each room registers how it forgets a person."""

from pathlib import Path

import pytest
from django.db import transaction

from tests.builders import make_superuser, make_user
from users import apps, forgetting
from users.forgetting import ERASURE_STEPS, forgets
from users.models import User
from users.privacy.models import Redaction
from users.verbs.erasure.verb import erase_account

USERS = Path(apps.__file__).parent


@pytest.mark.sqlite
def test_every_module_with_steps_is_loaded():
    files = USERS.glob("*/**/forgetting.py")
    modules = {
        ".".join(("users", *file.relative_to(USERS).with_suffix("").parts)) for file in files
    }
    assert set(apps.FORGETTING) == modules
    assert {step.__module__ for step in ERASURE_STEPS.values()} == modules


@pytest.mark.sqlite
def test_the_steps_in_their_order():
    """Names are found before anything is removed, and what refuses comes before what is slow."""
    assert [ERASURE_STEPS[order].__name__ for order in sorted(ERASURE_STEPS)] == [
        "prepare_erasure",
        "erase_mail",
        "erase_own_campaigns",
        "erase_from_jobs",
        "erase_from_exports",
        "erase_from_imports",
        "erase_from_event_files",
        "delete_saved_searches",
        "erase_from_lists",
        "erase_notes",
        "erase_role_traces",
        "erase_review_traces",
        "erase_tokens",
        "erase_hourly_uses",
        "erase_webhook_owner",
        "erase_presence",
        "erase_sign_in_traces",
        "delete_factors",
        "delete_oidc_links",
        "delete_email_addresses",
        "drop_counts",
        "count_before_erasure",
        "erase_events",
    ]


@pytest.mark.sqlite
def test_two_steps_do_not_share_a_number(monkeypatch):
    monkeypatch.setattr(forgetting, "ERASURE_STEPS", {})
    forgets(order=1)(print)
    with pytest.raises(ValueError, match="order 1"):
        forgets(order=1)(repr)


@pytest.mark.django_db
@pytest.mark.parametrize("order", sorted(ERASURE_STEPS))
def test_a_step_that_fails_takes_everything_back(order, monkeypatch):
    ada = make_user(username="adalove")

    def fail(erasure):
        raise ZeroDivisionError

    monkeypatch.setitem(ERASURE_STEPS, order, fail)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        erase_account(ada, by=make_superuser(), reason="Request 17")
    assert User.objects.get(pk=ada.pk).username == "adalove"
    assert not Redaction.objects.exists()
