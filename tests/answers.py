"""Checks of responses that the tests of all URLs share."""

from urllib.parse import urlencode

from tests.pages import read
from users.audit.models import AuditEvent

BAD_IDS = ["0", str(2**63), str(2**70), "-1", "x"]


def assert_denied(response, permission: str, *, actor, target=None, action: str) -> None:
    """Checks for a 403 that names the missing permission, and for its audit event."""
    assert response.status_code == 403
    page = read(response)
    assert page.one("h1").text == "Not allowed"
    if permission:
        assert permission in page.one("main").text
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_id, event.target_id) == (
        "denied",
        actor.pk,
        target.pk if target else None,
    )
    assert event.after == {"action": action, "permission": permission}
    assert event.reason


def assert_sent_to_sign_in(
    client,
    path: str,
    *,
    methods: tuple[str, ...] = ("get", "post"),
    background: bool = False,
) -> None:
    """Checks that a signed-out client is redirected to the sign-in page, which returns to the path
    after a GET. HTMX gets the address in a header instead, or nothing if the page asks by itself,
    in the `background`.
    """
    for method in methods:
        response = getattr(client, method)(path)
        assert response.status_code == 302
        assert response["Location"] == (
            "/login/?" + urlencode({"next": path}) if method == "get" else "/login/"
        )
    response = getattr(client, methods[0])(path, headers={"HX-Request": "true"})
    if background:
        assert (response.status_code, "HX-Redirect" in response) == (401, False)
        return
    assert (response.status_code, response["HX-Redirect"], response.content) == (
        401,
        "/login/",
        b"",
    )
    around = {"HX-Request": "true", "HX-Current-URL": "http://testserver/users/?q=ada"}
    assert (
        getattr(client, methods[0])(path, headers=around)["HX-Redirect"]
        == "/login/?next=%2Fusers%2F%3Fq%3Dada"
    )
    elsewhere = around | {"HX-Current-URL": "https://elsewhere.example/users/"}
    assert getattr(client, methods[0])(path, headers=elsewhere)["HX-Redirect"] == "/login/"
    assert not AuditEvent.objects.exists()


def assert_not_found(client, pattern: str, *, methods: tuple[str, ...] = ("get", "post")) -> None:
    """Checks that invalid ids in place of {} in `pattern` give a 404."""
    for bad in BAD_IDS:
        for method in methods:
            response = getattr(client, method)(pattern.format(bad))
            assert response.status_code == 404, bad
            assert read(response).one("h1").text == "Not found"


def assert_wrong_method(client, path: str, *, allowed: str) -> None:
    """Checks that every method except those in `allowed` gives a 405, which lists them."""
    for method in {"get", "post", "put", "patch", "delete"} - set(allowed.lower().split(", ")):
        response = getattr(client, method)(path)
        assert response.status_code == 405, method
        assert set(response["Allow"].split(", ")) >= set(allowed.split(", "))
        assert read(response).one("h1").text == "Request not supported"


def errors_of(response) -> list[str]:
    """Returns the error messages at the top of the form and beside its fields."""
    return [
        element.text
        for element in read(response).all(class_="error")
        if "hidden" not in element.attributes
    ]
