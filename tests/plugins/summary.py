"""What the end of a run says, and that nothing was skipped where nothing may be."""

import os
import signal
from pathlib import Path

import pytest

WITHOUT_SAMPLES = "needs ../shared/samples"


class Skips:
    """Notes each skip. With CI=true none is allowed, except for the samples that a plain clone does
    not bring.
    """

    def __init__(self) -> None:
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.reasons[report.nodeid] = str(
                report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.reasons[report.nodeid] = str(report.longrepr)

    def forbidden(self) -> dict[str, str]:
        if os.environ.get("CI") != "true":
            return {}
        return {
            test: reason for test, reason in self.reasons.items() if WITHOUT_SAMPLES not in reason
        }


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Skips(), "skips")
    signal.signal(
        signal.SIGTERM, signal.default_int_handler
    )  # as after Ctrl-C, fixtures end the processes that they started


def browser_line(config: pytest.Config) -> str:
    return config.pluginmanager.get_plugin("browsing").summary()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput"):  # the process that started it has all reports
        return
    if (
        exitstatus == pytest.ExitCode.OK
        and session.config.pluginmanager.get_plugin("skips").forbidden()
    ):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if path := os.environ.get("BROWSER_REPORT"):  # bin/test repeats it at its end
        Path(path).write_text(browser_line(session.config))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    terminalreporter.write_line(browser_line(config))
    for test, reason in config.pluginmanager.get_plugin("skips").forbidden().items():
        terminalreporter.write_line(
            f"No test may be skipped with CI=true: {test}: {reason}", red=True
        )
