"""Reports to Sentry: what happened and where, and nothing of the people it happened to."""

import json
import subprocess
import sys

import pytest

from tests.builders import make_superuser, make_user
from tests.processes import ROOT, environment

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db(transaction=True)]
# Runs in a process of its own, since the SDK changes Django for good. Prints the payloads.
SCRIPT = """
import json, logging, sys
sys.path.insert(0, "site")
import django
django.setup()
import sentry_sdk
from django.test import Client
from sentry_sdk.transport import Transport
from users.jobs.queue.observation import run_task
from users.models import User
from users.signin import back_office_middleware

given = json.loads(sys.argv[1])
payloads = []

class Recorder(Transport):
    def capture_envelope(self, envelope):
        payloads.append(envelope.serialize().decode())

sentry_sdk.get_client().transport = Recorder({"dsn": "http://key@localhost/1"})

def fail(request):
    name, address = given["name"], given["address"]
    try:
        raise KeyError(name)
    except KeyError as error:
        raise LookupError(f"Key (email)=({address}) already exists.") from error

back_office_middleware.entry_redirect = fail
client = Client(
    raise_request_exception=False,
    headers={"Authorization": f"Bearer {given['token']}", "User-Agent": given["agent"]},
    REMOTE_ADDR=given["ip"],
    SERVER_NAME="localhost",
)
client.force_login(User.objects.get(username=given["viewer"]))
client.cookies["theme"] = given["cookie"]
pk = User.objects.get(username=given["name"]).pk
paths = ["/users/?q=" + given["name"], f"/users/{pk}/", f"/password/choose/{given['token']}/"]
statuses = [client.get(path).status_code for path in paths]
form = {"email": given["address"], "first_name": given["name"], "password": given["password"]}
statuses.append(client.post(f"/users/{pk}/edit/", form).status_code)

def fail_task(number):
    fail(None)

try:
    run_task("users.tasks.example", fail_task, 7)
except LookupError:
    pass
logging.getLogger("users.mail").error("Email to %s failed", given["address"])
client.get("/" + given["name"] + "/")
sentry_sdk.flush()
print(json.dumps([statuses, payloads]))
"""
GIVEN = {
    "name": "zebedee",
    "viewer": "rosalind",
    "address": "zebedee@private.example",
    "cookie": "cookie-value-8731",
    "token": "Mg-token-value-5512",
    "agent": "Browser-of-zebedee",
    "password": "pass-phrase-9921",
    "ip": "203.0.113.99",
}


def run_python(script: str, *args: str, **variables: str) -> str:
    command = [sys.executable, "-c", script, *args]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE="tests.settings", **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_reports_name_the_view_and_the_request_and_nothing_of_a_person():
    make_user(username=GIVEN["name"], email=GIVEN["address"])
    make_superuser(username=GIVEN["viewer"])
    dsn = "http://key@localhost:9/1"
    output = run_python(SCRIPT, json.dumps(GIVEN), SENTRY_DSN=dsn)
    statuses, payloads = json.loads(output.splitlines()[-1])
    assert statuses == [500, 500, 500, 500]
    for value in GIVEN.values():
        assert not [payload for payload in payloads if value.lower() in payload.lower()]
    events = [json.loads(payload.splitlines()[2]) for payload in payloads]
    assert [event["tags"].get("view") for event in events] == [
        "directory",
        "account",
        "account_reset_password_from_key",
        "account-edit",
        None,
        None,
    ]
    assert all(len(event["tags"]["request_id"]) == 32 for event in events[:4])
    for event in events[:5]:
        types = [each["type"] for each in event["exception"]["values"]]
        assert types == ["KeyError", "LookupError"]
        assert event["exception"]["values"][1]["stacktrace"]["frames"][-1]["function"] == "fail"
        assert len(event["release"]) == 12
    assert events[5]["message"].startswith("users.mail, line ")


def test_the_sdk_without_a_dsn_and_the_models_of_scim_are_not_imported():
    script = (
        "import sys; sys.path.insert(0, 'site'); import django; django.setup(); import urls; "
        "print({'sentry_sdk', 'scim2_models', 'scim2_server'} & sys.modules.keys())"
    )
    assert run_python(script, SENTRY_DSN="").strip() == "set()"
