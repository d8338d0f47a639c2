"""manage.py audit_verify"""

from io import StringIO
from itertools import count

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.audit.tampering import execute, forge_all, make_events, sealed
from tests.audit.tree.logs import grow, use_key
from tests.processes import ROOT, running
from users.audit.anchors import write_anchor
from users.audit.models import AuditEvent, ChainHead
from users.audit.tree.models import SignedCheckpoint
from users.audit.verification.quick_check import check_newest

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("audit_verify", *arguments, stdout=output)
    return output.getvalue()


def broken(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value.returncode, str(caught.value)


def test_a_good_trail():
    sealed(2)
    make_events(1)
    assert run() == "2 events are unchanged since they were sealed; 1 not yet sealed.\n"


def test_a_broken_one_is_exit_code_1():
    event = sealed(2)[0]
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", event.pk)
    assert broken() == (
        1,
        f"The audit chain is broken: event {event.pk} at position 1 "
        "was changed after it was sealed.",
    )


def test_a_chain_that_is_shorter_than_its_tree_is_named(settings, tmp_path):
    use_key(settings, tmp_path)
    grow(5)
    assert run().startswith("5 events")
    kept = AuditEvent.objects.get(chain_position=3)
    execute("DELETE FROM users_auditevent WHERE chain_position > 3")
    # The end of the chain is rewritten to match.
    ChainHead.objects.update(position=3, hash=kept.chain_hash, newest_id=kept.pk)
    assert broken() == (
        1,
        "The audit chain is broken: the chain ends at position 3, and its tree has 5 events.",
    )


@pytest.mark.parametrize("check", [run, check_newest])
def test_a_log_that_grows_meanwhile_is_intact(settings, tmp_path, check):
    """The worker seals events, adds them to the tree and signs it between any two statements."""
    use_key(settings, tmp_path)
    grow(2)
    with CaptureQueriesContext(connection) as queries:
        check()
    for number in range(len(queries)):
        statements = count()

        def grow_after(execute, *arguments, turn=number, statements=statements):
            result = execute(*arguments)
            if next(statements) == turn:
                grow(1)
            return result

        with connection.execute_wrapper(grow_after):
            check()
    assert SignedCheckpoint.objects.latest("pk").size > len(queries)


def test_the_file_of_anchors_is_compared(tmp_path):
    event = sealed(2)[0]
    file = tmp_path / "anchors"
    file.write_text(write_anchor() + "\n")
    assert run("--anchor", str(file)).startswith("2 events")
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", event.pk)
    forge_all()
    assert run().startswith("2 events")
    code, message = broken("--anchor", str(file))
    assert code == 1
    assert f"event {event.pk + 1} at position 2 differs from the anchor" in message


def test_a_file_that_says_nothing_is_exit_code_2(tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"\xff\n")
    assert broken("--anchor", str(empty))[0] == 2
    assert broken("--anchor", str(tmp_path / "missing"))[0] == 2


@pytest.mark.parametrize("option", ["--quick", "--resume"])
def test_a_scheduled_check_takes_no_keys(option):
    with pytest.raises(CommandError, match="--anchor, --key and --new-origin") as caught:
        call_command("audit_verify", option, "--key", "x")
    assert caught.value.returncode == 2


@pytest.mark.django_db(transaction=True)
def test_the_shell_sees_the_exit_code(tmp_path):
    event = sealed(1)[0]
    with running(["python", ROOT / "manage.py", "audit_verify"], tmp_path) as good:
        assert good.process.wait(60) == 0
    execute("UPDATE users_auditevent SET reason = 'another' WHERE id = %s", event.pk)
    with running(["python", ROOT / "manage.py", "audit_verify"], tmp_path) as bad:
        assert bad.process.wait(60) == 1
        assert f"event {event.pk} at position 1" in bad.said()
