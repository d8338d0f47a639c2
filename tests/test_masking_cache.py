"""Cached pages and masks: no page of one viewer reaches another who may see less."""

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.builders import make_superuser, make_user
from tests.caching.looking import ask, plain
from tests.masked_viewers import PART, signed_in
from users.verbs.profile.verb import edit_profile


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, PART], ids=["page", "part"])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("roles", [("Support", "Viewer"), ("Viewer", "Support")])
def test_a_page_that_is_kept_for_one_is_never_served_to_another(roles, encoding, headers):
    ada = make_user(email="jane@example.com", phone="+4915799887766")
    edit_profile(ada, by=make_superuser(), version=1, phone="+4915799887767")
    headers = headers | {"Accept-Encoding": encoding}
    clients = {role: signed_in(make_user(role)) for role in roles}
    for path in ("/users/", "/users/?q=person", f"/users/{ada.pk}/"):
        for expected in ("miss", "hit"):
            for role in roles:
                response = ask(clients[role], path, **headers)
                assert response.outcome == expected
                assert (b"jane@example.com" in plain(response)) == (role == "Support"), (path, role)
                assert (
                    b"j\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2@example.com" in plain(response)
                ) == (role == "Viewer")
                assert b"799887767" not in plain(response) or role == "Support"


@pytest.mark.django_db
def test_a_right_that_is_taken_masks_the_next_page(client):
    viewer = make_user("Support")
    ada = make_user(email="jane@example.com")
    client.force_login(viewer)
    for path in ("/users/", f"/users/{ada.pk}/"):
        assert b"jane@example.com" in plain(client.get(path))
    viewer.groups.get().permissions.remove(Permission.objects.get(codename="view_personal"))
    for path in ("/users/", f"/users/{ada.pk}/"):
        assert b"jane@example.com" not in plain(client.get(path))


@pytest.mark.django_db
def test_masking_asks_the_database_nothing(client):
    for _ in range(3):
        make_user()
    numbers = []
    for role in ("Support", "Viewer"):
        client.force_login(make_user(role))
        client.get("/users/")
        caches["pages"].clear()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/users/")
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] <= 4
