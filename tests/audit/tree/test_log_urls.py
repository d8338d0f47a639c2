"""GET /audit/log/checkpoint, /audit/log/tile/…"""

import pytest

from tests.answers import assert_denied
from tests.audit.tree.logs import cut, grow, leaves, use_key
from tests.builders import make_user
from users.audit.tree.merkle import leaf_hash
from users.audit.tree.notes import CheckpointText, SignedNote

pytestmark = pytest.mark.django_db

TOKEN = "a-token-of-forty-random-characters-x7"
CHECKPOINT = "/audit/log/checkpoint"
TILE = "/audit/log/tile/0/000"


@pytest.fixture
def key(settings, tmp_path):
    settings.AUDIT_LOG_TOKEN = TOKEN
    return use_key(settings, tmp_path)


def get(client, path: str):
    return client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})


def test_a_program_reads_the_log_as_the_specification_says(client, key):
    checkpoint = grow(600)
    response = get(client, CHECKPOINT)
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response.content.decode() == checkpoint.note
    size = CheckpointText.parse(SignedNote.parse(response.content.decode()).text).size
    data = leaves()
    hashes = []
    entries = []
    for path in ("000", "001", f"002.p/{size % 256}"):
        tile = get(client, f"/audit/log/tile/0/{path}")
        assert tile["Content-Type"] == "application/octet-stream"
        hashes += cut(tile.content)
        bundle = get(client, f"/audit/log/tile/entries/{path}").content
        entries += [bundle[at + 2 : at + 34] for at in range(0, len(bundle), 34)]
        assert {bundle[at : at + 2] for at in range(0, len(bundle), 34)} == {b"\x00\x20"}
    assert entries == data
    assert hashes == [leaf_hash(each) for each in data]
    assert len(get(client, "/audit/log/tile/1/000.p/2").content) == 64
    # The beginning of a tile is the partial tile of an earlier tree.
    assert get(client, "/audit/log/tile/0/000.p/5").content == b"".join(hashes[:5])


def test_what_the_tree_does_not_have_is_not_found(client, key):
    grow(300)
    paths = ["0/001", "0/002", "0/001.p/45", "1/000.p/2", "1/001.p/1", "2/000.p/1", "entries/001"]
    for path in (*paths, "x", "0/0"):
        assert get(client, f"/audit/log/tile/{path}").status_code == 404, path


def test_a_log_without_a_checkpoint_is_not_found(client, key):
    assert get(client, CHECKPOINT).status_code == 404


def test_who_may_read_it(client, key, settings):
    grow(3)
    path = "/audit/log/tile/0/000.p/3"
    for header in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}"):
        for each in (CHECKPOINT, path):
            response = client.get(each, headers={"Authorization": header})
            assert response.status_code == 401
            assert response["WWW-Authenticate"] == "Bearer"
    settings.AUDIT_LOG_TOKEN = ""
    assert client.get(path, headers={"Authorization": "Bearer "}).status_code == 401
    assert client.post(path).status_code == 405
    support = make_user("Support")
    client.force_login(support)
    assert_denied(client.get(path), "users.view_auditevent", actor=support, action="view_audit")
    client.force_login(make_user("Auditor"))
    assert client.get(path).status_code == client.get(CHECKPOINT).status_code == 200
    client.force_login(make_user("Auditor", must_change_password=True))
    assert client.get(path).status_code == 401
