"""Static files are served, and the list of all of them is not."""

import pytest
from django.http import HttpResponse

from users.web.security_headers import SecurityHeadersMiddleware
from users.web.static_files import StaticFilesMiddleware


@pytest.mark.parametrize("name", ["staticfiles.json", "staticfiles.json.gz", "staticfiles.json.br"])
def test_the_list_of_static_files_is_not_served(settings, tmp_path, name, client):
    settings.STATIC_ROOT = tmp_path
    for file in (name, "rollcall.1234.css"):
        (tmp_path / file).write_text("{}")
    middleware = StaticFilesMiddleware(lambda request: None)
    assert set(middleware.files) == {"/static/rollcall.1234.css"}


def test_no_other_site_may_load_a_page_or_a_file(tmp_path, settings, rf):
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "rollcall.1234.css").write_text("p {}")
    static = StaticFilesMiddleware(SecurityHeadersMiddleware(lambda request: HttpResponse("x")))
    for path in ("/static/rollcall.1234.css", "/login/"):
        assert static(rf.get(path))["Cross-Origin-Resource-Policy"] == "same-origin"
