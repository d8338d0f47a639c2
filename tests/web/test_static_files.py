"""Static files are served, and the list of all of them is not."""

import pytest

from users.web.static_files import StaticFilesMiddleware


@pytest.mark.parametrize("name", ["staticfiles.json", "staticfiles.json.gz", "staticfiles.json.br"])
def test_the_list_of_static_files_is_not_served(settings, tmp_path, name, client):
    settings.STATIC_ROOT = tmp_path
    for file in (name, "rollcall.1234.css"):
        (tmp_path / file).write_text("{}")
    middleware = StaticFilesMiddleware(lambda request: None)
    assert set(middleware.files) == {"/static/rollcall.1234.css"}
