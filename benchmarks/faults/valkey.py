"""A Redis (Valkey) primary, its replica and three sentinels."""

from contextlib import ExitStack
from pathlib import Path

import redis

from benchmarks.faults.supervised import Supervised, supervised
from tests.processes import until
from tests.servers import free_port, redis_program

SENTINEL = """port {port}
bind 127.0.0.1
sentinel monitor pages 127.0.0.1 {primary} 2
sentinel down-after-milliseconds pages 1000
sentinel failover-timeout pages 3000
"""


class Valkey:
    """The five servers. The first two ports are those of the data servers."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder = folder
        self.stack = stack
        self.ports = [free_port() for _ in range(5)]
        self.servers: dict[int, Supervised] = {}
        first, second, *sentinels = self.ports
        self.run(first, "--port", first)
        self.run(second, "--port", second, "--replicaof", f"127.0.0.1 {first}")
        until(self.has_replica)
        for port in sentinels:
            file = folder / f"sentinel-{port}.conf"
            file.write_text(SENTINEL.format(port=port, primary=first))
            self.run(port, file, "--sentinel")
        hosts = ",".join(f"127.0.0.1:{port}" for port in sentinels)
        self.url = f"redis+sentinel://{hosts}/pages/0"
        until(self.is_complete)

    def run(self, port: int, *arguments: object) -> None:
        command: list[object] = [redis_program(), *arguments]
        if "--sentinel" not in arguments:
            command += ["--bind", "127.0.0.1", "--save", "", "--repl-diskless-sync-delay", 0]
        log = self.folder / f"valkey-{port}.log"
        server = supervised(command, log, cwd=self.folder)
        self.servers[port] = self.stack.enter_context(server)

    def has_replica(self) -> bool:
        try:
            with redis.Redis(port=self.ports[0]) as client:
                return client.info("replication")["connected_slaves"] == 1
        except redis.ConnectionError:
            return False

    def is_complete(self) -> bool:
        """Returns whether each sentinel knows the replica and the two others."""
        return all(self.knows_all(port) for port in self.ports[2:])

    def knows_all(self, port: int) -> bool:
        """Returns whether a sentinel knows the others, and a replica that is well."""
        try:
            with redis.Redis(port=port) as client:
                state = client.sentinel_masters()["pages"]
                replicas = client.sentinel_slaves("pages")
        except (redis.RedisError, KeyError):
            return False
        well = [each for each in replicas if each["flags"] == "slave"]
        return (len(well), state["num-other-sentinels"]) == (1, 2)

    def primary(self) -> Supervised:
        """Returns the server that the sentinels name as the primary."""
        with redis.Redis(port=self.ports[2]) as client:
            return self.servers[client.sentinel_master("pages")["port"]]

    def replica(self) -> Supervised:
        primary = self.primary()
        [other] = [self.servers[port] for port in self.ports[:2] if self.servers[port] != primary]
        return other
