"""GET /exports/, GET /exports/<id>/file/, POST /exports/<id>/end/, and files whose time is up."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.answers import (
    assert_denied,
    assert_not_found,
    assert_sent_to_sign_in,
    assert_wrong_method,
)
from tests.builders import make_superuser, make_user
from tests.bulk.running import run, start
from tests.pages import read
from users.audit.models import AuditEvent
from users.jobs import engine
from users.models import User
from users.transfer import tasks
from users.transfer.exports import piece_store
from users.transfer.models import Export, ExportPiece
from users.verbs.erasure.verb import erase_account

pytestmark = pytest.mark.django_db
CSV = {"columns": ["id", "email"], "format": "csv"}


@pytest.fixture
def auditor(client) -> User:
    auditor = make_user("Auditor")
    client.force_login(auditor)
    return auditor


def make_export(by: User, number: int = 3, **parameters) -> Export:
    accounts = [make_user() for _ in range(number)]
    return run(
        "export",
        accounts,
        by=User.objects.get(pk=by.pk),
        parameters=CSV | parameters,
        words="some accounts",
    ).export


def path(export: Export, verb: str = "file") -> str:
    return f"/exports/{export.pk}/{verb}/"


def body(response) -> str:
    return b"".join(response).decode("utf-8-sig")


def test_the_file_comes_whole_as_a_file_to_keep_and_that_is_told(client, auditor):
    export = make_export(auditor)
    response = client.get(path(export))
    content = b"".join(response)
    assert content.startswith(b"\xef\xbb\xbfid,"), "the mark by which Excel knows UTF-8"
    text = content.decode("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()] == [
        "id",
        *(
            str(pk)
            for pk in User.objects.filter(is_staff=False)
            .order_by("pk")
            .values_list("pk", flat=True)
        ),
    ]
    assert response.streaming
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="accounts-{export.job_id}.csv"'
    assert response["Content-Length"] == str(len(content))
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store"
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_id, event.after, event.job_id) == (
        "export.downloaded",
        auditor.pk,
        {"rows": 3},
        export.job_id,
    )


def test_json_lines_are_called_so(client, auditor):
    response = client.get(path(make_export(auditor, format="jsonl")))
    assert response["Content-Type"] == "application/x-ndjson; charset=utf-8"
    assert response["Content-Disposition"].endswith('.jsonl"')
    assert b"".join(response).startswith(b"{")


def test_nobody_else_gets_it_whoever_they_are(auditor):
    export = make_export(auditor)
    for other in (make_superuser(), make_user("Auditor"), make_user("Administrator")):
        client = Client()
        client.force_login(other)
        assert client.get(path(export)).status_code == 404
        assert client.post(path(export, "end")).status_code == 404
        assert path(export) not in client.get("/exports/").content.decode()
    assert not AuditEvent.objects.filter(
        action__in=["export.downloaded", "export.removed"]
    ).exists()
    assert ExportPiece.objects.exists()


def test_who_has_lost_the_right_gets_no_file(client, auditor):
    export = make_export(auditor)
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="export_user"))
    for answer in (
        client.get("/exports/"),
        client.get(path(export)),
        client.post(path(export, "end")),
    ):
        assert_denied(answer, "users.export_user", actor=auditor, action="export")


def test_who_may_see_no_addresses_any_more_gets_no_file_with_them(client, auditor):
    whole = make_export(auditor)
    auditor.groups.first().permissions.remove(Permission.objects.get(codename="view_personal"))
    assert_denied(
        client.get(path(whole)), "users.view_personal", actor=auditor, action="view_personal"
    )
    masked = make_export(auditor)
    assert "•••@example.com" in body(client.get(path(masked)))


def test_without_its_event_there_is_no_file(client, auditor, monkeypatch):
    export = make_export(auditor)
    monkeypatch.setattr("users.transfer.exports.views.record_event", lambda *_, **__: 1 / 0)
    client.raise_request_exception = False
    assert client.get(path(export)).status_code == 500


def test_a_file_that_is_being_written_waits(client, auditor):
    export = start("export", [make_user()], by=auditor, parameters=CSV).export
    assert client.get(path(export)).status_code == 409
    assert client.post(path(export, "end")).status_code == 409
    assert path(export) not in client.get("/exports/").content.decode()


def test_after_its_time_it_is_neither_shown_nor_kept(client, auditor):
    old = make_export(auditor)
    new = make_export(auditor)
    assert timedelta(days=6.9) < old.expires_at - timezone.now() < timedelta(days=7)
    Export.objects.filter(pk=old.pk).update(expires_at=timezone.now())
    answer = client.get(path(old))
    assert (answer.status_code, read(answer).one("h1").text) == (410, "No longer available")
    assert path(old) not in client.get("/exports/").content.decode()
    assert (tasks.remove_old_exports(), tasks.remove_old_exports()) == (1, 0)
    assert list(ExportPiece.objects.values_list("export", flat=True)) == [new.pk]
    assert client.get(path(old)).status_code == 410
    assert client.get(path(new)).status_code == 200


def test_what_a_cancelled_job_has_written_goes(auditor):
    job = start("export", [make_user()], by=auditor, parameters=CSV)
    other = start("export", [make_user()], by=auditor, parameters=CSV)
    for each in (job, other):
        ExportPiece.objects.create(
            export=each.export, masked=False, **piece_store.pack_rows([(1, b"x\n")])
        )
    engine.cancel_job(job, by=auditor)
    assert tasks.remove_old_exports() == 1
    assert list(ExportPiece.objects.values_list("export", flat=True)) == [other.export.pk]


def test_the_page_lists_ones_own_newest_first_and_one_can_be_removed(client, auditor, monkeypatch):
    first = make_export(auditor)
    second = make_export(auditor, 2, format="jsonl")
    page = read(client.get("/exports/"))
    assert [a.attributes["href"] for a in page.all("a") if "/file/" in a.attributes["href"]] == [
        path(second),
        path(first),
    ]
    assert "JSON Lines" in page.text
    for _ in range(2):
        assert client.post(path(first, "end"))["Location"] == "/exports/"
    assert (
        AuditEvent.objects.filter(
            action="export.removed", actor_id=auditor.pk, job_id=first.job_id
        ).count()
        == 1
    )
    assert not first.pieces.exists()
    assert path(first) not in client.get("/exports/").content.decode()
    monkeypatch.setattr("users.transfer.exports.queries.EXPORTS_PER_PAGE", 1)
    page = read(client.get("/exports/"))
    older = page.one("a", rel="next").attributes["href"]
    assert older == f"/exports/?before={second.pk}"
    assert "Removed" in read(client.get(older)).text


def test_the_list_asks_as_often_for_many_files_as_for_one(
    client, auditor, django_assert_max_num_queries
):
    make_export(auditor)
    client.get("/exports/")
    with django_assert_max_num_queries(4):
        client.get("/exports/")
    for _ in range(4):
        make_export(auditor, 1)
    with django_assert_max_num_queries(4):
        client.get("/exports/")


def test_an_empty_list_says_how_to_fill_it(client, auditor):
    assert "choose “Export”" in read(client.get("/exports/")).text


@pytest.mark.parametrize("query", ["before=x", "before=0", "after=1", "before=1&before=2"])
def test_parameters_that_mean_nothing_are_named(client, auditor, query):
    assert client.get(f"/exports/?{query}").status_code == 400


def test_a_long_file_is_read_piece_by_piece(auditor, django_assert_num_queries):
    export = make_export(auditor, 1)
    last = export.pieces.get().last
    for number in range(1, 4):
        ExportPiece.objects.create(
            export=export,
            masked=False,
            **piece_store.pack_rows([(last + number, b"%d\r\n" % number)]),
        )
    reading = piece_store.read_export(export)
    for number in range(1, 5):
        with django_assert_num_queries(1):
            content = next(reading)
        assert content.endswith(b"\r\n"), number
    assert list(reading) == []


# --- whoever is erased ----------------------------------------------------------------------------


def test_an_erasure_takes_the_row_out_of_every_file_and_leaves_the_others(client, auditor):
    accounts = [make_user() for _ in range(5)]
    exports = [
        run("export", some, by=auditor, parameters=CSV | {"format": form}).export
        for some, form in (
            (accounts, "csv"),
            (accounts, "jsonl"),
            (accounts[:2], "csv"),
            (accounts[2:3], "csv"),
        )
    ]
    Export.objects.filter(pk=exports[2].pk).update(removed_at=timezone.now())
    gone = accounts[2]
    erase_account(gone, by=make_superuser(), reason="Request 17")
    for export in exports[:2]:
        text = body(client.get(path(export)))
        assert gone.email not in text
        assert [each.email in text for each in accounts] == [True, True, False, True, True]
    assert body(client.get(path(exports[3]))) == "id,email\r\n"
    assert piece_store.unpack_rows(exports[0].pieces.get())[0][0] == accounts[0].pk


def test_the_files_of_somebody_who_is_erased_go_with_them(auditor):
    export = make_export(auditor)
    erase_account(auditor, by=make_superuser(), reason="Request 17")
    export.refresh_from_db()
    assert export.removed_at
    assert not ExportPiece.objects.exists()


def test_a_row_is_found_wherever_it_stands(auditor):
    export = make_export(auditor, 1)
    ExportPiece.objects.all().delete()
    far = 10**9  # from the ids of the accounts that there are
    for ids in ([5, 9, 11], [20], [30, 31]):
        rows = [(far + pk, b"row %d\n" % pk) for pk in ids]
        ExportPiece.objects.create(export=export, masked=False, **piece_store.pack_rows(rows))
    for absent in (1, 6, 12, 25, 99):
        assert piece_store.forget_exported(far + absent) == 0
    for present in (9, 20, 30, 5):
        assert piece_store.forget_exported(far + present) == 1
        assert piece_store.forget_exported(far + present) == 0
    assert b"".join(piece_store.read_export(export)) == b"row 11\nrow 31\n"


# --- the ladder -----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["/exports/", "/exports/1/file/", "/exports/1/end/"])
def test_who_may_not_export_is_refused_and_strangers_sign_in(client, address):
    method = "post" if "end" in address else "get"
    assert_sent_to_sign_in(client, address, methods=(method,))
    support = make_user("Support")
    client.force_login(support)
    assert_denied(
        getattr(client, method)(address), "users.export_user", actor=support, action="export"
    )
    clerk = make_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="export_user"))
    client.force_login(clerk)
    assert_denied(getattr(client, method)(address), "users.view_user", actor=clerk, action="view")


def test_unknown_ids_are_not_found(client, auditor):
    assert_not_found(client, "/exports/{}/file/", methods=("get",))
    assert_not_found(client, "/exports/{}/end/", methods=("post",))


def test_other_methods_are_refused(client, auditor):
    assert_wrong_method(client, "/exports/", allowed="GET, HEAD")
    assert_wrong_method(client, "/exports/1/file/", allowed="GET")
    assert_wrong_method(client, "/exports/1/end/", allowed="POST")


def test_the_log_of_an_older_export_says_what_was_written(client, auditor):
    job = make_export(auditor).job
    other = run("suspension", [make_user()], by=make_superuser())
    job.lines.filter(code="written").update(code="done")
    with connection.cursor() as cursor:
        cursor.execute(import_module("users.migrations.0014_devices").EXPORT_LINES)
    assert job.lines.latest("pk").sentence == "Done: 3 written, 0 skipped, 0 failed."
    assert other.lines.latest("pk").code == "done"
    cell = read(client.get("/exports/")).one("tbody").all("td")[0]
    assert cell.one("p", class_="reason").text.startswith(f"Job {job.pk} · ")
