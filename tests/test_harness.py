"""The harness itself: what a test leaves behind is gone for the next one."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction

from tests.builders import make_user
from tests.processes import ROOT
from tests.roles import ROLES
from users.audit.models import AuditEvent
from users.audit.record import record_event
from users.models import User


def leave_something_behind() -> None:
    person = make_user("Support")
    record_event("account.created", actor=None, target=person)
    cache.set("attempts", 3)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", [1, 2])
def test_a_transactional_test_begins_with_an_empty_database_and_the_roles(time):
    assert User.objects.count() == AuditEvent.objects.count() == 0
    assert cache.get("attempts") is None
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)
    assert {
        permission.codename for permission in Group.objects.get(name="Support").permissions.all()
    } == set(ROLES["Support"])
    leave_something_behind()


@pytest.mark.django_db(transaction=True)
def test_after_a_flush_the_trail_is_append_only_again():
    leave_something_behind()
    for statement in ("DELETE FROM users_auditevent", "UPDATE users_auditevent SET reason = 'x'"):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_two_threads_meet_in_one_database():
    make_user(username="ada")
    seen: list[str] = []

    def look() -> None:
        seen.extend(User.objects.values_list("username", flat=True))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == ["ada"]


@pytest.mark.django_db
@pytest.mark.parametrize("time", [1, 2])
def test_an_ordinary_test_is_rolled_back(time):
    assert User.objects.count() == AuditEvent.objects.count() == 0
    leave_something_behind()


def test_a_browser_reaches_the_live_server(page):
    page.goto("/login/")
    assert page.title()


def outcome_of(test: str, folder: Path, **changes: str) -> tuple[int, str]:
    """Exit code and words of a run of its own, with this harness, over one test."""
    (folder / "test_it.py").write_text(f"import pytest\n\n{test}\n")
    plugins = ["-p", "tests.plugins.browsing", "-p", "tests.plugins.summary"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        ROOT / "pyproject.toml",
        *plugins,
        folder / "test_it.py",
    ]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CI", "REQUIRE_BROWSER", "BROWSER_REPORT")
    }
    # Others, such as pytest-django, take seconds to load.
    inherited["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    result = subprocess.run(
        command, cwd=ROOT, env=inherited | changes, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("reason", "ci", "code"),
    [("not today", "", 0), ("not today", "true", 1), ("needs ../shared/samples", "true", 0)],
)
def test_in_ci_no_test_may_be_skipped_but_for_the_samples(tmp_path, reason, ci, code):
    found, said = outcome_of(f"def test_it():\n    pytest.skip('{reason}')", tmp_path, CI=ci)
    assert "1 skipped" in said
    assert found == code


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("required", "code", "words"),
    [("", 0, "1 skipped, no browser"), ("1", 1, "no browser: none of")],
)
def test_a_browser_that_is_not_there_is_named(tmp_path, required, code, words):
    found, said = outcome_of(
        "def test_it(browser): ...", tmp_path, PATH=str(tmp_path), REQUIRE_BROWSER=required
    )
    assert words in said
    assert found == code
