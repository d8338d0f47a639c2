"""GET /users/<id>/access/"""

import pytest
from django.contrib.auth.models import Group, Permission

from tests.builders import make_superuser, make_user
from tests.pages import read
from users import access
from users.audit.record import record_event
from users.models import User
from users.permissions import load_permissions
from users.verbs.profile.verb import edit_profile
from users.verbs.roles.verb import assign_roles

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    return viewer


def lines(client, account) -> list[str]:
    page = read(client.get(f"/users/{account.pk}/access/"))
    return [item.text for item in page.one("main").all("li")] + [
        item.text for item in page.one("main").all("dd")
    ]


def sources(page) -> dict[str, str]:
    return {
        row.all("td")[0].text: row.all("td")[1].text
        for row in page.one("table", class_="sources").one("tbody").all("tr")
    }


def test_each_role_says_who_gave_it_and_when_and_each_right_where_it_comes_from(client, viewer):
    root = make_superuser(username="root")
    ada = make_user()
    roles = Group.objects.filter(name__in=["Viewer", "Auditor"])
    assign_roles(ada, by=root, groups=roles, is_staff=True, is_superuser=False)
    auditor, reader, enters, superuser = lines(client, ada)
    assert auditor.startswith("Auditor granted by root, ")
    assert reader.startswith("Viewer granted by root, ")
    assert enters.startswith("Yes, as staff granted by root, ")
    assert superuser == "–"
    found = sources(read(client.get(f"/users/{ada.pk}/access/")))
    assert found["Can see accounts"] == "Auditor Viewer"
    assert found["Can see the audit trail"] == "Auditor"
    assert list(found) == sorted(found)


def test_the_last_time_that_something_was_given_counts_and_what_was_given_elsewhere_says_so(
    client, viewer
):
    first = make_superuser(username="first")
    second = make_superuser(username="second")
    ada = make_user("Auditor")
    for by, names in (
        (first, ["Auditor", "Viewer"]),
        (first, ["Auditor"]),
        (second, ["Auditor", "Viewer"]),
    ):
        groups = Group.objects.filter(name__in=names)
        assign_roles(
            User.objects.get(pk=ada.pk), by=by, groups=groups, is_staff=True, is_superuser=False
        )
    auditor, reader, *_ = lines(client, ada)
    assert auditor.startswith("Auditor granted by: unknown")
    assert reader.startswith("Viewer granted by second, ")


def test_a_refused_attempt_gives_nothing_away(client, viewer):
    ada = make_user("Viewer")
    record_event("denied", actor=viewer, target=ada, after={"groups": ["Viewer"], "is_staff": True})
    assert lines(client, ada)[0].startswith("Viewer granted by: unknown")


def test_rights_of_its_own_are_told_from_those_of_its_roles(client, viewer):
    ada = make_user("Viewer")
    for codename in ("share_view", "view_user"):
        ada.user_permissions.add(Permission.objects.get(codename=codename))
    found = sources(read(client.get(f"/users/{ada.pk}/access/")))
    assert found["Can see accounts"] == "Viewer the account itself"
    assert found["Can share saved views"] == "the account itself"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: make_user("Support", is_staff=False), "Not in effect: this account is not staff."),
        (
            lambda: make_user("Support", status="suspended"),
            "Not in effect: this account is suspended.",
        ),
        (lambda: make_superuser(status="suspended"), "Not in effect: this account is suspended."),
        (make_superuser, "All permissions, as a superuser."),
        (make_user, "No permissions."),
    ],
)
def test_it_says_what_the_rights_come_to(client, viewer, make, says):
    section = (
        read(client.get(f"/users/{make().pk}/access/"))
        .one("section", aria_labelledby="permissions")
        .text
    )
    assert says in section
    for other in ("Not in effect", "All permissions"):
        assert other in says or other not in section


def test_the_rights_of_somebody_who_is_staff_are_in_force(client, viewer):
    section = (
        read(client.get(f"/users/{make_user('Viewer').pk}/access/"))
        .one("section", aria_labelledby="permissions")
        .text
    )
    assert "effect" not in section
    assert "All permissions" not in section


def test_hostile_names_of_roles_are_text(client, viewer):
    group = Group.objects.create(name="<script>alert(1)</script>")
    ada = make_user()
    ada.groups.add(group)
    assert lines(client, ada)[0].startswith("<script>alert(1)</script> granted by: unknown")


def test_a_page_reads_as_many_rights_as_the_gate():
    ada = make_user("Manager", status="suspended")
    ada.groups.add(Group.objects.create(name="Empty"))
    ada.user_permissions.add(Permission.objects.get(codename="add_group"))
    found = load_permissions(ada)
    assert [role.name for role in found.roles] == ["Empty", "Manager"]
    assert access.stored_permissions(ada) == access.stored_permissions(User.objects.get(pk=ada.pk))


def test_what_a_page_has_read_is_no_news_to_a_verb_that_runs_later():
    ada = make_user()
    support = make_user("Support")
    load_permissions(ada)
    ada.user_permissions.add(Permission.objects.get(codename="add_group"))
    assert access.may(support, "edit", ada)  # as the page saw it
    with pytest.raises(access.Denied):
        edit_profile(ada, by=support, version=1, first_name="Ann")
