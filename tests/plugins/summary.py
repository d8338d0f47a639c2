"""Prints a summary of the browser tests, and fails the run for skipped tests if CI=true."""

import os
import signal
from pathlib import Path

import pytest

WITHOUT_SAMPLES = "needs ../shared/samples"
NOT_PERMITTED = "needs the right to mount a tmpfs"
ALLOWED = (WITHOUT_SAMPLES, NOT_PERMITTED)


class Skips:
    """Records each skip. With CI=true none is allowed, except for missing sample files, which a
    clone does not contain, and for rights that a container does not have.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr
            if isinstance(reason, tuple):
                reason = reason[2]
            self.reasons[report.nodeid] = str(reason)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.reasons[report.nodeid] = str(report.longrepr)

    def forbidden(self) -> dict[str, str]:
        if os.environ.get("CI") != "true":
            return {}
        reasons = self.reasons.items()
        return {
            test: reason
            for test, reason in reasons
            if not any(allowed in reason for allowed in ALLOWED)
        }


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(), "skips")
    # SIGTERM acts like Ctrl-C, so that fixtures stop the processes that they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def browser_line(config: pytest.Config) -> str:
    return config.pluginmanager.get_plugin("browsing").summary()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput"):  # only the controlling process has all reports
        return
    forbidden = session.config.pluginmanager.get_plugin("skips").forbidden()
    if exitstatus == pytest.ExitCode.OK and forbidden:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if path := os.environ.get("BROWSER_REPORT"):  # bin/test prints it at its end
        Path(path).write_text(browser_line(session.config))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.write_line(browser_line(config))
    for test, reason in config.pluginmanager.get_plugin("skips").forbidden().items():
        line = f"No test may be skipped with CI=true: {test}: {reason}"
        terminalreporter.write_line(line, red=True)
