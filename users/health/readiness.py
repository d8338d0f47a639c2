"""All checks of /readyz and the page Status. A room adds a check with a line in PROBES."""

from dataclasses import dataclass

from users.health import checks, probes
from users.health.alarms import ALARMS, RaisedAlarm, raised_alarms
from users.health.probes import DATABASE, Probe

PROBES: tuple[Probe, ...] = (
    Probe("database", "Database", checks.check_database, DATABASE, is_fatal=True),
    Probe("replica", "Read replica", checks.check_replica, "replica"),
    Probe("cache", "Page cache", checks.check_cache, "cache"),
    Probe("workers", "Workers", checks.check_workers, DATABASE),
    Probe("mail", "Mail server", checks.check_mail, "mail", reuse_seconds=30),
    Probe("migrations", "Migrations", checks.check_migrations, DATABASE),
    Probe("clock", "Clock", checks.check_clock, DATABASE),
    Probe("proxy", "Proxy", checks.check_proxy, "process"),
    *ALARMS,
)


@dataclass(frozen=True)
class Readiness:
    """The results of all checks."""

    # By check; "" for none.
    problems: dict[Probe, str]

    @property
    def is_ready(self) -> bool:
        return not any(problem and probe.is_fatal for probe, problem in self.problems.items())

    @property
    def status(self) -> str:
        if not self.is_ready:
            return "unavailable"
        return "degraded" if any(self.problems.values()) else "ok"

    @property
    def alarms(self) -> list[RaisedAlarm]:
        return raised_alarms(self.problems)

    def results(self) -> dict[str, str]:
        """Returns "ok" or the problem, by the name of the check; some only if they have one."""
        found = {probe.name: self.problems[probe] or probes.OK for probe in PROBES}
        for name in ("clock", "proxy", "replica"):
            if found[name] == probes.OK:
                del found[name]
        return found


def check_readiness() -> Readiness:
    return Readiness(probes.run_probes(PROBES))
