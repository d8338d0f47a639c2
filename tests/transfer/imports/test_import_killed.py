"""kill -9 in the middle of an import, and the same command again."""

import signal
import subprocess
import sys

import pytest

from tests.processes import ROOT, environment, until
from users.audit.models import AuditEvent
from users.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]  # as in production

COMMAND = [sys.executable, "manage.py", "import_accounts", "-", "--source=x", "--map=id=source_id"]
ROWS = [f"{number},name{number},name{number}@example.com\n" for number in range(3500)]
HEADER = "id,username,email\n"


@pytest.mark.long
def test_a_killed_import_is_completed_by_running_it_again_and_nothing_is_made_twice():
    process = subprocess.Popen(
        COMMAND, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        # The file has no end yet: what is stored by then was stored while it was being read.
        process.stdin.write((HEADER + "".join(ROWS[:2500])).encode())
        process.stdin.flush()
        until(lambda: User.objects.count() >= 1000)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
    stored = User.objects.count()
    assert stored in (1000, 2000), "whole chunks"
    assert AuditEvent.objects.count() == stored
    text = (HEADER + "".join(ROWS)).encode()
    again = subprocess.run(
        COMMAND, cwd=ROOT, env=environment(), input=text, capture_output=True, check=True
    )
    expected = f"3500 read = {3500 - stored} created + 0 updated + {stored} unchanged + 0 rejected"
    assert again.stdout.decode().splitlines()[-1] == expected
    assert User.objects.count() == AuditEvent.objects.count() == 3500
    assert set(AuditEvent.objects.values_list("target_id", flat=True)) == set(
        User.objects.values_list("pk", flat=True)
    )
