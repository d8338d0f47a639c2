"""The pages below /staff/reviews/"""

import json
from datetime import timedelta
from hashlib import sha256

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.answers import assert_denied, assert_sent_to_sign_in, errors_of
from tests.builders import make_superuser, make_user
from tests.pages import read
from users.access import Denied
from users.audit.models import AuditEvent
from users.mail.message_content import compose_mail
from users.mail.models import Message
from users.models import User
from users.staff.reviews import item_decisions
from users.staff.reviews.item_decisions import decide_item
from users.staff.reviews.models import AccessReview, ReviewItem
from users.staff.reviews.opening import open_review
from users.staff.tasks import end_reviews
from users.sudo.recent import SUDO_KEY

pytestmark = pytest.mark.django_db
NEW = "/staff/reviews/new/"
SENT = {"name": "Autumn", "role": "", "days": "14", "outcome": "remove"}


@pytest.fixture
def admin(client):
    admin = make_user("Administrator")
    client.force_login(admin)
    return admin


def opened(by: User, outcome: str = "remove") -> AccessReview:
    return open_review(by=by, name="Autumn", role=None, days=14, outcome=outcome)


def item_of(review: AccessReview, account: User) -> ReviewItem:
    """Returns the item of the account: its first role, before its superuser status."""
    return review.items.filter(account_id=account.pk).earliest("pk")


def fresh(account: User) -> User:
    return User.objects.get(pk=account.pk)


def main_text(response) -> str:
    return " ".join(read(response).one("main").text.split())


def test_a_review_freezes_decides_and_ends_with_a_file_to_check(client, admin):
    kept = make_user("Support", last_seen_at=timezone.now())
    taken = make_user("Viewer")
    left = make_user("Viewer")
    location = client.post(NEW, SENT).headers["Location"]
    review = AccessReview.objects.get()
    late = make_user("Viewer")
    assert "Suggested: remove (account unused for 90 days)" in main_text(client.get(location))
    assert [item_of(review, each).is_unused for each in (kept, taken)] == [False, True]
    for account, decision in ((kept, "keep"), (taken, "remove")):
        path = f"{location}roles/{item_of(review, account).pk}/"
        assert client.get(path).status_code == 200
        assert client.post(path, {"decision": decision, "reason": " "}).status_code == 422
        assert client.post(path, {"decision": decision, "reason": "x"}).status_code == 302
        assert "already decided" in " ".join(
            errors_of(client.post(path, {"decision": "remove", "reason": "x"}))
        )
    assert client.get(f"{location}result/").status_code == 404
    assert client.post(f"{location}end/").status_code == 302
    held = [fresh(each).groups.exists() for each in (kept, taken, left, late, admin)]
    assert held == [True, False, False, True, True]
    removals = AuditEvent.objects.filter(action="account.groups_removed").order_by("id")
    assert [(event.target_id, event.actor_id) for event in removals] == [
        (taken.pk, admin.pk),
        (left.pk, admin.pk),
    ]
    assert item_of(review, admin).decision == "escalated"
    head, *lines = client.get(f"{location}result/").content.splitlines(keepends=True)
    digest = sha256(b"".join(lines)).hexdigest()
    assert json.loads(head)["sha256_of_the_lines_below"] == digest
    assert AuditEvent.objects.get(action="review.closed").after["sha256"] == digest
    assert [json.loads(line)["decision"] for line in lines].count("remove") == 2
    assert "changed outside" not in main_text(client.get(location))
    review.items.filter(account_id=taken.pk).update(decision="keep")
    refused = client.get(f"{location}result/")
    assert refused.status_code == 409
    assert "changed outside" in main_text(refused)
    assert client.get("/staff/reviews/").status_code == 200


def test_a_review_ends_by_itself_and_may_leave_the_roles(admin):
    review = opened(admin, "escalate")
    viewer = make_user("Viewer")
    assert end_reviews() == 0
    AccessReview.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert (end_reviews(), end_reviews()) == (1, 0)
    assert {item.decision for item in review.items.all()} == {"escalated"}
    assert fresh(viewer).groups.exists()


def test_a_review_that_ends_by_itself_keeps_each_batch(admin, monkeypatch):
    viewers = [make_user("Viewer") for _ in range(5)]
    review = opened(admin)
    items = list(review.items.order_by("pk"))
    monkeypatch.setattr(item_decisions, "ITEM_BATCH", 2)
    AccessReview.objects.update(ends_at=timezone.now())
    end_item = item_decisions.end_item

    def fail_at_fourth(item, *rest):
        if item.pk == items[3].pk:
            raise ConnectionError
        end_item(item, *rest)

    monkeypatch.setattr(item_decisions, "end_item", fail_at_fourth)
    with pytest.raises(ConnectionError):
        end_reviews()
    monkeypatch.setattr(item_decisions, "end_item", end_item)
    assert review.items.exclude(decision="").count() == 2
    review.refresh_from_db()
    assert (review.decided_count, review.closed_at, review.is_intact) == (2, None, None)
    assert (end_reviews(), end_reviews()) == (1, 0)
    review.refresh_from_db()
    assert (review.decided_count, review.is_intact) == (6, True)
    assert not any(fresh(viewer).groups.exists() for viewer in viewers)
    assert AuditEvent.objects.filter(action="review.closed").count() == 1


def test_a_list_that_was_changed_removes_nothing(client, admin):
    viewer = make_user("Viewer")
    victim = make_user("Manager")
    review = opened(admin)
    group = Group.objects.get(name="Manager")
    ReviewItem.objects.filter(account_id=victim.pk).delete()
    path = f"/staff/reviews/{review.pk}/"
    client.post(f"{path}end/")
    assert fresh(viewer).groups.exists()
    assert group.user_set.exists()
    assert item_of(review, viewer).decision == "escalated"
    assert "changed outside" in main_text(client.get(path))
    assert client.get(f"{path}result/").status_code == 409


def test_nobody_reviews_their_own_role_or_one_above(admin):
    above = make_superuser()
    above.groups.add(Group.objects.get(name="Viewer"))
    review = opened(admin)
    for account, sentence in ((admin, "their own roles"), (above, "Only a superuser")):
        with pytest.raises(Denied, match=sentence):
            decide_item(item_of(review, account), by=admin, decision="remove", reason="x")
        assert fresh(account).groups.exists()
    # Ending it removes neither.
    AccessReview.objects.update(ends_at=timezone.now())
    end_reviews()
    assert {item.decision for item in review.items.all()} == {"escalated"}
    assert fresh(above).groups.exists()


def test_who_ends_a_review_early_removes_only_what_they_may(client, admin):
    root = make_superuser()
    higher = make_user("Viewer")
    higher.user_permissions.add(Permission.objects.get(codename="delete_session"))
    viewer = make_user("Viewer")
    review = opened(root)
    assert client.post(f"/staff/reviews/{review.pk}/end/").status_code == 302
    held = [fresh(each).groups.exists() for each in (higher, viewer, admin)]
    assert held == [True, False, True]


def test_a_request_removes_no_more_roles_than_it_has_time_for(client, admin, monkeypatch):
    viewers = [make_user("Viewer") for _ in range(3)]
    review = opened(admin)
    monkeypatch.setattr(item_decisions, "MAX_AT_ONCE", 3)
    end = f"/staff/reviews/{review.pk}/end/"
    refused = client.post(end)
    assert refused.status_code == 409
    assert "More than 3 roles are undecided" in main_text(refused)
    assert all(viewer.groups.exists() for viewer in viewers)
    decide_item(item_of(review, viewers[0]), by=admin, decision="keep", reason="Needed")
    assert client.post(end).status_code == 302


def test_removal_in_a_review_asks_for_a_recent_confirmation(client, admin):
    viewer = make_user("Viewer")
    review = opened(admin)
    session = client.session
    session[SUDO_KEY] = {"at": 0, "method": "sign-in"}
    session.save()
    path = f"/staff/reviews/{review.pk}/"
    sent = {"decision": "remove", "reason": "x"}
    for target in (f"{path}roles/{item_of(review, viewer).pk}/", f"{path}end/"):
        assert client.post(target, sent)["Location"].startswith("/sudo/?next=")
    assert fresh(viewer).groups.exists()


def test_without_its_opener_a_review_is_left_to_administrators(client, admin):
    viewer = make_user("Viewer")
    root = make_superuser()
    review = opened(admin)
    admin.groups.clear()
    AccessReview.objects.update(ends_at=timezone.now())
    assert (end_reviews(), end_reviews()) == (1, 0)
    assert fresh(viewer).groups.exists()
    assert item_of(review, viewer).decision == ""
    assert AuditEvent.objects.get(action="review.escalated").after["undecided"] == 3
    message = Message.objects.get(kind="review-escalated")
    assert message.account == root
    assert "/staff/reviews/" in compose_mail(message).body
    client.force_login(root)
    path = f"/staff/reviews/{review.pk}/"
    assert "may no longer remove roles" in main_text(client.get(path))
    assert client.post(f"{path}end/").status_code == 302
    assert not fresh(viewer).groups.exists()


def test_a_review_asks_about_superusers_too(client):
    root, other = make_superuser(), make_superuser()
    review = opened(root)
    client.force_login(root)
    path = f"/staff/reviews/{review.pk}/roles/{item_of(review, other).pk}/"
    assert client.post(path, {"decision": "remove", "reason": "x"}).status_code == 302
    other = fresh(other)
    assert (other.is_superuser, other.is_staff) == (False, True)
    assert opened(root).items.get().account_id == root.pk
    role = Group.objects.get(name="Viewer")
    with pytest.raises(ValidationError):
        open_review(by=root, name="x", role=role, days=1, outcome="remove")


def test_an_account_that_is_gone_is_escalated(client, admin):
    gone = make_user("Viewer")
    review = opened(admin)
    path = f"/staff/reviews/{review.pk}/"
    item = item_of(review, gone)
    User.objects.filter(pk=gone.pk).delete()
    sent = {"decision": "remove", "reason": "x"}
    assert client.post(f"{path}roles/{item.pk}/", sent).status_code == 409
    assert client.post(f"{path}end/").status_code == 302
    item.refresh_from_db()
    assert item.decision == "escalated"


def test_pages_and_decisions_read_no_more_of_a_large_review(client, admin):
    role = Group.objects.get(name="Viewer")
    review = opened(admin)
    path = f"/staff/reviews/{review.pk}/"

    def queries_with(number: int) -> list[str]:
        first = make_user("Viewer")
        ids = [first.pk + 1000 * offset for offset in range(number)]
        shared = {"review": review, "group_id": role.pk, "role_name": "x"}
        rows = [ReviewItem(account_id=pk, **shared) for pk in ids]
        rows = ReviewItem.objects.bulk_create(rows)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
            sent = {"decision": "keep", "reason": "x"}
            assert client.post(f"{path}roles/{rows[0].pk}/", sent).status_code == 302
        return [query["sql"] for query in captured]

    few, many = queries_with(60), queries_with(200)
    assert len(few) == len(many)
    reads = [sql for sql in many if sql.startswith("SELECT") and "reviewitem" in sql]
    assert reads
    for sql in reads:
        assert "LIMIT" in sql or '"users_reviewitem"."id" = ' in sql, sql


def test_others_may_look_but_not_decide(client):
    assert_sent_to_sign_in(client, "/staff/reviews/1/")
    viewer = make_user("Viewer")
    review = opened(make_superuser())
    path = f"/staff/reviews/{review.pk}/"
    item_path = f"{path}roles/{item_of(review, viewer).pk}/"
    client.force_login(viewer)
    assert "Decide" not in main_text(client.get(path))
    refused = {"actor": viewer, "action": "review_access"}
    for answer in (client.get(NEW), client.post(NEW, SENT), client.post(f"{path}end/")):
        assert_denied(answer, "users.manage_staff", **refused)
    assert_denied(client.post(item_path, {}), "users.manage_staff", **refused)
    assert client.get("/staff/reviews/0/").status_code == 404
    assert client.get(f"{path}end/").status_code == 405
    assert client.get("/staff/reviews/?after=x").status_code == 400
