"""django-debug-toolbar: on the pages of bin/run --debug, and nowhere else."""

import subprocess
import sys

import pytest

from tests.builders import make_superuser
from tests.processes import ROOT, environment
from tests.site.test_settings import LOCAL, PRODUCTION
from users.web.security_headers import CONTENT_SECURITY_POLICY

pytestmark = pytest.mark.sqlite  # of settings, and not of the database
DEBUG = {"DEBUG": "1", "DEMO_SIGN_IN": "0", "DJANGO_SETTINGS_MODULE": "debug_settings"}
LOOK = """
import re, sys
sys.path[:0] = ["site", "."]
import django
django.setup()
from django.test import Client
from users.models import User

client = Client(SERVER_NAME="localhost")
login = client.get("/login/", headers={"Accept-Encoding": "br"})
client.force_login(User.objects.get(username=sys.argv[1]))
page = client.get("/users/", headers={"Accept-Encoding": "br"})
panel = {"request_id": re.search(r'data-request-id="(.*?)"', page.text)[1], "panel_id": "SQLPanel"}
queries = client.get("/__debug__/render_panel/", panel)
script = client.get("/static/debug_toolbar/js/toolbar.js")
elsewhere = client.get("/users/", REMOTE_ADDR="203.0.113.7")
print(page["Content-Security-Policy"])
print(["djDebug" in each.text for each in (login, page, elsewhere)])
print(script.status_code, "users_user" in queries.json()["content"])
"""


def run(code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(**LOCAL | variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db(transaction=True)
def test_pages_of_signed_in_people_have_it_and_the_policy_stays_as_strict():
    make_superuser(username="root")
    result = run(LOOK, "root", **DEBUG)
    assert result.returncode == 0, result.stderr
    policy, shown, served = result.stdout.splitlines()
    assert policy == CONTENT_SECURITY_POLICY
    assert shown == "[False, True, False]"
    assert served == "200 True"


@pytest.mark.parametrize(
    "variables", [DEBUG | PRODUCTION, DEBUG | {"DEBUG": "0"}, DEBUG | {"HOST": "0.0.0.0"}]
)
def test_a_site_that_others_reach_refuses_its_settings(variables):
    result = run("import sys; sys.path.insert(0, 'site'); import debug_settings", **variables)
    assert result.returncode == 1
    assert "debug_settings is only for development" in result.stderr.splitlines()[-1]


@pytest.mark.django_db
def test_without_the_option_nothing_of_it_is_loaded_or_served(client):
    client.force_login(make_superuser())
    assert client.get("/__debug__/render_panel/").status_code == 404
    assert "djDebug" not in client.get("/users/").text
    assert not [name for name in sys.modules if name.startswith(("debug_toolbar", "debug_"))]
    assert "debug-toolbar" not in (ROOT / "requirements.txt").read_text()
