"""All that a person can go through works as a role that owns no table."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from tests.builders import make_superuser
from tests.full_history import imported
from tests.outside import outside_events, outside_triggers
from users.audit.tasks import seal_audit_chain
from users.audit.verification.chain_check import verify_chain
from users.database import serving_role
from users.verbs.erasure.verb import erase_account

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


@pytest.fixture
def serving():
    """A role that serves, as the current role of the connection until the test ends."""
    name = f"serving_{uuid4().hex}"
    serving_role.create_role(name, "secret' word")
    serving_role.grant_rights(name)
    with outside_triggers(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {name}")
        yield name
        cursor.execute("RESET ROLE")


def test_a_whole_life_up_to_the_erasure_works(serving, tmp_path, settings):
    settings.MAIL_DIR = tmp_path / "mail"
    settings.EMAIL_BACKEND = "users.mail.file_backend.FilesBackend"
    person = imported(tmp_path)
    root = make_superuser()
    erase_account(person, by=root, reason="REQ-1")
    assert [event.target_id for event in outside_events()] == [root.pk]
    seal_audit_chain()
    assert verify_chain().fault == ""


def test_it_is_fit_and_a_superuser_is_not():
    serving_role.create_role("serving_fit", "")
    assert serving_role.excess_power("serving_fit") == ""
    assert serving_role.excess_power("postgres") == "is a superuser"


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("ALTER TABLE users_auditevent DISABLE TRIGGER ALL", "must be owner"),
        ("ALTER TABLE users_user DISABLE TRIGGER users_user_outside_update", "must be owner"),
        ("DELETE FROM users_unrecordedchange", "permission denied"),
        ("SET LOCAL session_replication_role = replica", "permission denied"),
    ],
)
def test_it_cannot_go_round_the_triggers(serving, statement, refusal):
    with (
        pytest.raises(ProgrammingError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
