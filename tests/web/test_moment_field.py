"""A point in time is typed in the viewer's zone; what clocks show twice or never is asked about."""

from datetime import UTC, datetime

import pytest
from django import forms
from django.http import HttpResponse, QueryDict
from django.utils import timezone

from tests.pages import read
from users.web.moment_field import MomentField


class Form(forms.Form):
    until = MomentField(required=False, label="Until", help_text="Then it ends.")


@pytest.fixture(autouse=True)
def berlin():
    with timezone.override("Europe/Berlin"):
        yield


def bound(typed: str, which: str = "") -> Form:
    query = QueryDict(mutable=True)
    query["until"] = typed
    query["until_which"] = which
    return Form(query)


@pytest.mark.parametrize(
    ("typed", "which", "hour", "minute"),
    [
        ("2026-10-25T04:30", "", 3, 30),
        ("2026-10-25T04:30", "UTC+2", 3, 30),  # the answer to an earlier question
        ("2026-10-25T02:30", "UTC+2", 0, 30),
        ("2026-10-25T02:30", "UTC+1", 1, 30),
        ("2026-10-25T02:30Z", "", 2, 30),
        ("2026-10-25 06:00", "", 5, 0),
    ],
)
def test_a_time_is_that_of_the_viewers_clock(typed, which, hour, minute):
    form = bound(typed, which)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["until"] == datetime(2026, 10, 25, hour, minute, tzinfo=UTC)
    assert form.cleaned_data["until"].tzinfo == UTC


def test_the_help_names_the_zone():
    assert Form()["until"].help_text == "Time zone: Europe/Berlin. Then it ends."
    with timezone.override("America/New_York"):
        assert Form()["until"].help_text == "Time zone: America/New York. Then it ends."


@pytest.mark.parametrize("which", ["", "UTC+9"])
def test_a_time_that_occurs_twice_is_asked_about(which):
    form = bound("2026-10-25T02:30", which)
    text = "Clocks go back on 25 Oct 2026, so 02:30 occurs twice. Choose one of the two."
    assert form.errors == {"until": [text]}
    page = read(HttpResponse(str(form["until"])))
    assert page.one("input").attributes["value"] == "2026-10-25T02:30"
    options = page.one("select", name="until_which").all("option")
    assert [option.text for option in options] == [
        "Which 02:30?",
        "First 02:30 (UTC+2)",
        "Second 02:30 (UTC+1)",
    ]


def test_a_time_that_does_not_exist_is_refused_and_stays_in_the_box():
    form = bound("2026-03-29T02:30")
    text = "Clocks go forward on 29 Mar 2026, so there is no 02:30. Choose another time."
    assert form.errors == {"until": [text]}
    assert 'value="2026-03-29T02:30"' in str(form["until"])


@pytest.mark.parametrize(
    "typed", ["soon", "2026-13-01T00:00", "0001-01-01T00:00", "9999-99", "2026-10-25T02:30#UTC+2"]
)
def test_anything_else_is_refused(typed):
    assert list(bound(typed, "x").errors) == ["until"]


@pytest.mark.parametrize(("hour", "which"), [(0, "UTC+2"), (1, "UTC+1")])
def test_a_stored_time_comes_back_as_it_is(hour, which):
    stored = datetime(2026, 10, 25, hour, 30, tzinfo=UTC)
    page = read(HttpResponse(str(Form(initial={"until": stored})["until"])))
    assert page.one("input").attributes["value"] == "2026-10-25T02:30"
    chosen = [option for option in page.all("option") if "selected" in option.attributes]
    assert [option.attributes["value"] for option in chosen] == [which]
