"""bin/bench --faults: what counts as failed, wrong and stale, and how servers start again."""

import signal
import sys

import pytest

from benchmarks.faults.patroni import Cluster, Node
from benchmarks.faults.report import Fault, Figures, fault_report
from benchmarks.faults.supervised import supervised
from benchmarks.faults.team import Account, Answer, Outcome, Person
from tests.processes import until

pytestmark = pytest.mark.sqlite  # no database


class Scripted(Person):
    """A person whose requests all get one answer."""

    def __init__(self, answer: Answer):
        self.answer = answer
        self.outcomes = []
        self.begin = 0.0

    def ask(self, method, path, **rest):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(200, '<h1>ada</h1><span class="state suspended">Suspended</span>'), ""),
        (Answer(200, '<h1>ada</h1><span class="state active">Active</span>'), "stale: Active"),
        (Answer(200, "<h1>grace</h1>"), "wrong: no ada"),
        (Answer(500, ""), "wrong: status 500"),
        (Answer(503, ""), ""),
    ],
)
def test_a_page_must_show_what_its_viewer_has_written(answer, fault):
    person = Scripted(answer)
    person.see_state(Account(1, "ada", "Suspended"))
    [outcome] = person.outcomes
    assert outcome.fault.startswith(fault)
    assert bool(outcome.fault) == bool(fault)
    assert outcome.has_failed == (answer.status == 503)


def test_the_report_tells_requests_in_flight_from_later_ones():
    figures = Figures(elapsed=10, idle=[30.0], faults=[Fault("web", 5, 7)])
    for begin, status in ((1, 200), (4.9, 0), (6, 503), (9, 503)):
        figures.outcomes.append(Outcome("list", begin, 0.2, status))
    report = fault_report({}, figures)
    assert report.data["lines"] == [["web", "2.0", "2", "1"], ["nothing", "", "1", ""]]
    assert "failed: 3 (75.000 %), 1 × 0, 2 × 503" in report.text


def test_a_server_that_is_killed_is_started_again(tmp_path):
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with supervised(command, tmp_path / "log", pause=0, stop=signal.SIGTERM) as server:
        first = server.process.pid
        server.kill()
        until(lambda: server.starts == 2 and server.process.pid != first)
        assert server.process.poll() is None
    assert server.process.poll() is not None


def test_the_host_of_the_primary_is_the_one_that_says_so(monkeypatch, tmp_path):
    roles = {"node1": {"sync"}, "node2": {"primary"}}
    monkeypatch.setattr(Node, "has_role", lambda node, role: role in roles[node.name])
    cluster = Cluster([Node(name, tmp_path / name, port=1, rest_port=2) for name in roles])
    assert cluster.is_complete()
    assert cluster.primary().name == "node2"
    assert cluster.other(cluster.primary()).name == "node1"
    roles["node1"].clear()  # it replicates, and lacks commits that were confirmed
    assert not cluster.is_complete()
    assert cluster.nodes[0].postgresql() == []
