"""The metrics as Prometheus reads them: the counts of all processes, and the gauges."""

import logging
from collections.abc import Iterator, Mapping

from django.db import DatabaseError
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from users.metrics.registry import GAUGES, Gauge
from users.metrics.slots import FILE_ERRORS, is_intact, metrics_folder

logger = logging.getLogger(__name__)


def render_metrics() -> bytes:
    registry = CollectorRegistry()
    registry.register(ProcessCounts())
    registry.register(DatabaseGauges())
    return generate_latest(registry)


class ProcessCounts(Collector):
    """The sums over the files of all slots, without files that are damaged."""

    def collect(self) -> Iterator[Metric]:
        files = sorted(metrics_folder().glob("*.db"))
        try:
            yield from MultiProcessCollector.merge([*map(str, files)])
        except FILE_ERRORS:
            yield from MultiProcessCollector.merge([*map(str, filter(is_intact, files))])


class DatabaseGauges(Collector):
    """The registered gauges. A database that fails or hangs is asked once."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        up = 1
        for gauge in GAUGES.values():
            try:
                yield gauge_family(gauge)
            except DatabaseError as error:
                logger.warning("%s can't be read: %s", gauge.name, type(error).__name__)
                up = 0
                break
        text = "Whether the database answered the gauges of this scrape."
        yield GaugeMetricFamily("rollcall_database_up", text, up)


def gauge_family(gauge: Gauge) -> GaugeMetricFamily:
    labels = [gauge.label] if gauge.label else []
    family = GaugeMetricFamily(gauge.name, gauge.text, labels=labels)
    reading = gauge.read()
    if not isinstance(reading, Mapping):
        reading = {"": reading}
    for label, number in reading.items():
        if number is not None:
            family.add_metric([label] if gauge.label else [], number)
    return family
