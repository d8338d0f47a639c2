"""The pages below /staff/roles/"""

from itertools import chain

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError

from tests.answers import assert_denied, assert_not_found, errors_of
from tests.builders import make_superuser, make_user
from tests.pages import form, read
from users.access import Denied
from users.access_setup import DECLARED_PERMISSIONS
from users.audit.models import AuditEvent
from users.exceptions import VerbRefused
from users.models import User
from users.role_models import RoleSettings
from users.staff.roles.changes import change_role, create_staff_role, delete_role
from users.staff.roles.permission_areas import AREAS, OTHER, permissions_by_area
from users.sudo.recent import SUDO_KEY, sudo_minutes

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NEW = "/staff/roles/new/"
OPTIONS = {"requestable": False, "approver": None, "sudo_minutes": None}


@pytest.fixture
def admin(client):
    admin = make_user("Administrator")
    client.force_login(admin)
    return admin


def group(name: str) -> Group:
    return Group.objects.get(name=name)


def fresh(account: User) -> User:
    return User.objects.get(pk=account.pk)


def test_the_matrix_shows_each_role_with_each_permission_in_words(client, admin):
    page = read(client.get("/staff/roles/")).one("main").text
    assert "Erase accounts" in page
    assert "Administrator" in page
    assert read(client.get(f"/staff/roles/{group('Support').pk}/")).one("h1").text == "Support"


def test_each_permission_stands_in_an_area_of_the_matrix_and_of_the_form(client, admin):
    by_area = permissions_by_area(DECLARED_PERMISSIONS)
    assert by_area.keys() == AREAS.keys()
    assert sorted(chain.from_iterable(by_area.values())) == sorted(DECLARED_PERMISSIONS)
    assert permissions_by_area(["view_user", "gone"]) == {"Personal data": ["view_user"]}
    matrix = read(client.get("/staff/roles/"))
    assert [head.text for head in matrix.all("th", scope="rowgroup")] == list(AREAS)
    page = read(client.get(NEW))
    boxes = page.all("input", name="permissions")
    assert {box.attributes["value"] for box in boxes} == set(DECLARED_PERMISSIONS)
    assert len(page.all("div", role="group")) == len(AREAS)


def test_a_permission_without_an_area_is_shown_too(monkeypatch):
    monkeypatch.delitem(AREAS, "Oversight")
    assert permissions_by_area(DECLARED_PERMISSIONS)[OTHER] == ["view_auditevent", "view_status"]


def test_a_role_is_copied_changed_with_its_impact_and_deleted(client, admin):
    support = group("Support")
    sent = form(client.get(f"{NEW}?copy={support.pk}"), NEW)
    assert sent["name"] == "Copy of Support"
    sent |= {"name": "Desk", "permissions": ["view_user", "add_note"], "reason": "New team"}
    assert client.post(NEW, sent).status_code == 302
    desk = group("Desk")
    holder = make_user("Desk")
    path = f"/staff/roles/{desk.pk}/edit/"
    sent = form(client.get(path), path) | {"permissions": ["view_user", "pin_note"], "reason": "x"}
    response = client.post(path, sent)
    impact = read(response).one("section", class_="radius").text
    assert "1 person holds this role" in impact
    assert "They gain pin notes" in " ".join(impact.split())
    assert "They lose write notes about accounts" in " ".join(impact.split())
    assert "users.add_note" in fresh(holder).get_all_permissions()
    assert client.post(path, form(response, path)).status_code == 302
    assert fresh(holder).get_all_permissions() == {"users.view_user", "users.pin_note"}
    path = f"/staff/roles/{desk.pk}/delete/"
    assert client.post(path, {"reason": "Gone", "typed_name": "x"}).status_code == 422
    assert client.post(path, {"reason": "Gone", "typed_name": "desk"}).status_code == 302
    removed = AuditEvent.objects.get(target_id=holder.pk)
    assert (removed.action, removed.before["groups"]) == ("account.groups_removed", ["Desk"])
    assert fresh(holder).version == 2
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert [each for each in actions if each.startswith("role.")] == [
        "role.created",
        "role.changed",
        "role.deleted",
    ]


def test_a_role_that_changed_meanwhile_is_asked_about_again(client, admin):
    path = f"/staff/roles/{group('Viewer').pk}/edit/"
    sent = form(client.get(path), path) | {"name": "Reader", "reason": "x"}
    group("Viewer").permissions.clear()
    response = client.post(path, sent)
    assert response.status_code == 409
    assert any("Someone changed this role" in text for text in errors_of(response))


def test_nobody_changes_a_role_that_they_hold_or_that_is_above_theirs(client, admin):
    own = f"/staff/roles/{group('Administrator').pk}/edit/"
    assert_denied(client.get(own), "", actor=admin, action="manage_roles")
    higher = Group.objects.create(name="Higher")
    higher.permissions.add(Permission.objects.get(codename="add_group"))
    for path in ("edit", "delete"):
        assert client.get(f"/staff/roles/{higher.pk}/{path}/").status_code == 403


def test_nobody_gives_a_role_what_they_lack(admin):
    manager = make_user("Manager")
    manager.user_permissions.add(Permission.objects.get(codename="manage_roles"))
    with pytest.raises(Denied, match="Only someone with these permissions"):
        create_staff_role(
            by=fresh(manager), name="X", codenames={"erase_user"}, reason="", **OPTIONS
        )
    with pytest.raises(Denied, match="Only someone with these permissions"):
        change_role(
            group("Viewer"),
            by=fresh(manager),
            name="Viewer",
            codenames={"view_user", "reveal_personal", "view_roles", "request_role", "erase_user"},
            reason="",
            **OPTIONS,
        )


def test_a_role_with_holders_above_is_not_changed(admin):
    boss = make_superuser()
    boss.groups.add(group("Viewer"))
    with pytest.raises(Denied, match="more permissions than you"):
        delete_role(group("Viewer"), by=fresh(admin), reason="")


def test_no_holder_becomes_an_administrator_by_a_change_of_their_role(settings, admin):
    settings.ADMINISTRATOR_APPROVAL = "on"
    make_user("Viewer")
    with pytest.raises(VerbRefused, match="needs the approval of another"):
        change_role(
            group("Viewer"),
            by=fresh(admin),
            name="Viewer",
            codenames={"view_user", "manage_staff"},
            reason="",
            **OPTIONS,
        )


def test_a_change_of_a_role_leaves_enough_administrators(settings):
    settings.MINIMUM_ADMINISTRATORS = 2
    root = make_superuser()
    make_user("Administrator")
    with pytest.raises(VerbRefused, match="At least 2 administrators"):
        delete_role(group("Administrator"), by=root, reason="")
    assert Group.objects.filter(name="Administrator").exists()


def test_the_ladder(client):
    viewer = make_user("Viewer")
    client.force_login(viewer)
    for path in (NEW, f"/staff/roles/{group('Support').pk}/edit/"):
        assert_denied(
            client.post(path, {}), "users.manage_roles", actor=viewer, action="manage_roles"
        )
    client.force_login(make_superuser())
    for path in ("", "edit/", "delete/"):
        assert_not_found(client, f"/staff/roles/{{}}/{path}", methods=("get",))
    assert client.get(f"{NEW}?copy=x").status_code == 400
    taken = {"name": "viewer", "reason": "x"}
    response = client.post(NEW, taken)
    assert response.status_code == 422
    assert "There is already a role with this name." in errors_of(response)


def test_the_shortest_time_of_sudo_of_the_roles_counts(settings):
    settings.SUDO_MINUTES = 15
    ada = make_user("Viewer")
    assert sudo_minutes(ada) == 15
    RoleSettings.objects.create(group=group("Viewer"), sudo_minutes=40)
    RoleSettings.objects.create(group=group("Support"), sudo_minutes=5)
    assert sudo_minutes(ada) == 40
    ada.groups.add(group("Support"))
    assert sudo_minutes(ada) == 5


def test_a_change_of_a_role_asks_who_it_is(client, admin):
    session = client.session
    session.pop(SUDO_KEY, None)
    session.save()
    response = client.get(NEW)
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/sudo/")


def test_two_people_who_create_a_role_at_once_get_an_error_and_not_a_500():
    root = make_superuser()
    with pytest.raises(ValidationError, match="already a role with this name"):
        create_staff_role(by=root, name="Support", codenames=set(), reason="x", **OPTIONS)
    options = OPTIONS | {"codenames": set(), "reason": "x"}
    with pytest.raises(ValidationError, match="already a role with this name"):
        change_role(group("Viewer"), by=root, name="Support", **options)
