"""GET /staff/"""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, assert_wrong_method
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.verbs.role_addition.verb import add_roles

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def names(response) -> list[str]:
    return [link.text for link in read(response).all("td", class_="c-name")]


def test_the_list_says_who_has_what_since_when_by_whom_and_until_when(client):
    root = make_superuser(username="root")
    ada = make_user("Viewer", username="ada", first_name="Ada")
    make_user(username="customer")
    until = timezone.now() + timedelta(days=2)
    support = Group.objects.get(name="Support")
    add_roles(ada, by=root, groups=[support], until=until, reason="Holiday cover")
    client.force_login(make_user("Viewer", username="eve"))
    response = client.get("/staff/")
    page = read(response).one("main").text
    assert "customer" not in page
    assert "granted by: unknown" in page  # Viewer, which has no event
    for text in ("Support", "by root", "until", "Holiday cover", "Superuser"):
        assert text in page
    assert len(names(client.get(f"/staff/?role={support.pk}"))) == 1
    assert "ada" in names(client.get("/staff/?q=ADA"))[0]
    assert "No matching staff" in read(client.get("/staff/?q=nobody-here")).one("main").text


def test_a_masked_address_is_found_only_whole(client):
    make_user("Support", username="ada@example.com", email="ada@example.com", first_name="Grace")
    client.force_login(make_user("Viewer", username="eve"))
    for part in ("ada@", "ada", "example.com"):
        assert "No matching staff" in read(client.get(f"/staff/?q={part}")).text, part
    for whole in ("ADA@example.com", "gra", "eve"):
        assert len(names(client.get(f"/staff/?q={whole}"))) == 1, whole
    client.force_login(make_user("Support"))
    assert len(names(client.get("/staff/?q=ada@"))) == 1


def test_the_number_of_queries_does_not_grow_with_the_list(client, django_assert_max_num_queries):
    client.force_login(make_superuser())
    for _ in range(12):
        make_user("Support")
    client.get("/staff/")
    with django_assert_max_num_queries(12):
        client.get("/staff/")


def test_the_ladder(client):
    assert_sent_to_sign_in(client, "/staff/", methods=("get",))
    bare = make_user(is_staff=True)
    client.force_login(bare)
    assert_denied(client.get("/staff/"), "users.view_roles", actor=bare, action="view_roles")
    client.force_login(make_superuser())
    assert_wrong_method(client, "/staff/", allowed="GET, HEAD")
    for bad in ("role=x", "role=99999", "role=9999999999", "after=-1", "page=2"):
        assert client.get(f"/staff/?{bad}").status_code == 400
