"""A session gets another key when the rights of its owner grow: a leaked one is worthless then."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.builders import make_superuser, make_user
from tests.bulk.running import run
from tests.pages import read
from users.sessions.models import Session
from users.verbs.role_addition.verb import add_roles
from users.verbs.roles.verb import assign_roles

pytestmark = pytest.mark.django_db


def manager_role() -> Group:
    return Group.objects.get(name="Manager")


def by_roles(account, root) -> None:
    groups = [*account.groups.all(), manager_role()]
    assign_roles(account, by=root, groups=groups, is_staff=True, is_superuser=False)


def by_addition(account, root) -> None:
    add_roles(account, by=root, groups=[manager_role()])


def by_job(account, root) -> None:
    parameters = {"groups": [manager_role().pk], "names": ["Manager"]}
    job = run("groups", [account], by=root, parameters=parameters)
    assert job.changed == 1


@pytest.mark.parametrize("way", [by_roles, by_addition, by_job])
def test_each_way_to_more_rights_gives_the_session_another_key(client, way):
    account = make_user("Support")
    client.force_login(account)
    assert client.get("/users/").status_code == 200
    leaked = client.cookies["session"].value
    way(account, make_superuser())
    assert client.get("/users/").status_code == 200
    assert client.cookies["session"].value != leaked
    assert client.get("/users/new/").status_code == 200
    thief = Client()
    thief.cookies["session"] = leaked
    page = read(thief.get("/users/", follow=True))
    assert "because the roles of the account were changed" in page.one("p", class_="note").text
    assert Session.objects.filter(account_id=account.pk).count() == 1


def test_without_a_change_the_key_stays(client):
    client.force_login(make_user("Support"))
    key = client.cookies["session"].value
    client.get("/users/")
    assert client.cookies["session"].value == key
