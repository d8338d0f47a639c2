"""No file gives back-office access, whatever its format: by the page, what would is named."""

import json

import pytest
from django.contrib.auth.models import Group

from tests.builders import make_user
from tests.formats.workbooks import make_workbook, text_row
from tests.pages import read
from tests.transfer.imports.test_import_pages import (
    mapping_of,
    send_mapping,
    start_import,
    upload,
    work,
)
from users.models import User
from users.role_models import RoleGrant
from users.transfer.models import ImportFile

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]  # of pages, and not of the database

EVE = {
    "username": "eve",
    "email": "eve@example.org",
    "is_staff": "true",
    "is_superuser": "true",
    "groups": "Administrator;Viewer",
}
TABLE = [",".join(EVE), ",".join(EVE.values())]
DUMP = {
    "model": "auth.user",
    "pk": 1,
    "fields": {
        **EVE,
        "is_staff": True,
        "is_superuser": True,
        "password": "!",
        "last_login": None,
        "groups": [["Administrator"], ["Viewer"]],
    },
}
REALM = {
    "realm": "x",
    "users": [
        {
            "id": "1",
            "username": "eve",
            "email": "eve@example.org",
            "enabled": True,
            "groups": ["/Administrator", "/Viewer"],
            "attributes": {"is_staff": ["true"], "is_superuser": ["true"]},
        }
    ],
}
FILES = {
    "csv": "\n".join(TABLE).encode(),
    "xlsx": make_workbook({"A": text_row(*EVE) + text_row(*EVE.values())}),
    "json": json.dumps([EVE]).encode(),
    "jsonl": json.dumps(EVE).encode() + b"\n",
    "django": json.dumps([DUMP]).encode(),
    "keycloak": json.dumps(REALM).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_access_in_a_file_is_named_and_not_applied(client, name):
    manager = make_user("Manager")
    client.force_login(manager)
    upload(client, FILES[name], "people")
    file = ImportFile.objects.get()
    page = read(client.get(mapping_of(file)))
    note = page.one(class_="mapping").one(class_="note").text
    assert "is_staff" in note
    assert "is_superuser are not applied." in note
    column = file.columns.index("groups")
    assert send_mapping(client, file, **{f"column-{column}": "groups"}).status_code == 302
    work()
    assert start_import(client, file).status_code == 302
    work()
    eve = User.objects.get(username="eve")
    assert not eve.is_staff
    assert not eve.is_superuser
    viewer = Group.objects.get(name="Viewer")
    assert list(eve.groups.all()) == [viewer]
    grant = RoleGrant.objects.get()
    assert (grant.account_id, grant.group_id, grant.by_id) == (eve.pk, viewer.pk, manager.pk)
    assert (grant.reason, grant.until) == ("Move", None)
