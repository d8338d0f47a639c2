"""bin/bench --overhead, --against and --dashboard: their reports, without web servers."""

from datetime import UTC, datetime

import pytest

from benchmarks import dashboard_cost, metrics_cost, overhead, size_cost
from benchmarks.__main__ import parse_options
from benchmarks.overhead import Overhead, Runs
from benchmarks.size_cost import WEIGHTS, Side
from tests.builders import make_superuser, make_user
from users.audit.chain import seal_waiting_events
from users.audit.record import record_event
from users.dashboard.models import DailyCount, StateCount

CONDITIONS = {"accounts": 5000}


def cells(text: str, begin: str) -> list[str]:
    [line] = [line for line in text.splitlines() if line.startswith(f"| {begin}")]
    return [cell.strip() for cell in line.split("|")[1:-1]]


@pytest.mark.sqlite
def test_the_cost_of_a_feature_is_that_of_the_medians():
    found = Overhead("list", Runs([98, 97, 500], [0.00102] * 3), Runs([100, 100, 9], [0.001] * 3))
    options = parse_options(["--accounts", "5000", "--overhead", "metrics", "--seconds", "1"])
    report = overhead.overhead_report(CONDITIONS, options, [found], 0.03, {"list": 0.00002})
    assert cells(report.text, "list") == ["list", "98.0", "100", "2.0 %", "1,020", "1,000", "2.0 %"]
    assert "metrics: medians of 3 pairs" in report.text
    assert "30.0 ms, every 15 s 0.20 % of one thread" in report.text
    assert "they add 20.0 µs to the list: 2.0 %" in report.text


@pytest.mark.sqlite
@pytest.mark.django_db
def test_every_second_request_is_not_counted(monkeypatch):
    counted = []
    make_superuser()
    monkeypatch.setattr(metrics_cost, "take_slot", lambda: None)
    monkeypatch.setattr(metrics_cost, "WARM_UP", 1)
    monkeypatch.setattr(metrics_cost, "REQUESTS", 3)
    monkeypatch.setattr("users.caching.timing.observe_request", lambda *values: counted.append(1))
    found = metrics_cost.measure_counting("/users/")
    assert len(counted) == 1 + 3
    assert min(found) > 0


@pytest.mark.sqlite
def test_sizes_are_compared_by_kind_and_by_the_weights_of_the_mix():
    sides = [Side(number, None, {}, None) for number in (10_000, 10_000_000)]
    for side, seconds in zip(sides, (0.01, 0.011), strict=True):
        side.seconds = {kind: [seconds] for kind in WEIGHTS}
    sides[1].seconds["search"] = [0.02]
    report = size_cost.size_report(CONDITIONS, *sides)
    assert cells(report.text, "account ") == ["account", "6", "10.0", "11.0", "× 1.10"]
    assert cells(report.text, "the mix") == ["the mix", "", "10.0", "13.6", "× 1.36"]


@pytest.mark.django_db
def test_every_page_of_the_mix_is_there(client):
    for _ in range(12):
        make_user(is_staff=False)
    client.force_login(make_superuser())
    for kind, paths in size_cost.mix_paths().items():
        for path in paths[:6]:
            assert client.get(path).status_code == 200, kind


@pytest.mark.django_db
def test_the_rollups_are_counted_anew():
    account = make_user()
    record_event("account.suspended", actor=make_superuser(), target=account)
    seal_waiting_events()
    for _ in range(2):
        lines = dashboard_cost.rebuild()
    assert [line[0] for line in lines] == [step[0] for step in dashboard_cost.STEPS]
    assert lines[1][1] == "1"
    assert DailyCount.objects.get(metric="suspensions").value == 1
    assert StateCount.objects.get(pk="active").stored == 2


@pytest.mark.sqlite
@pytest.mark.django_db
def test_each_day_has_a_figure_and_what_was_counted_stays():
    today = datetime.now(UTC).date()
    DailyCount.objects.create(metric="suspensions", day=today, value=7)
    dashboard_cost.fill_days()
    values = DailyCount.objects.filter(metric="suspensions").order_by("-day")
    assert list(values.values_list("value", flat=True)[:2]) == [7, dashboard_cost.FILLED_VALUE]
    assert DailyCount.objects.count() == 7 * dashboard_cost.FILLED_DAYS
