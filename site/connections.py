"""The connections to the database, to Redis and to the mail server, as Django's settings."""

from math import inf
from pathlib import Path
from ssl import create_default_context
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from psycopg import IsolationLevel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError
from redis.retry import Retry
from release import release_digest

# How long a request waits for an answer of the replica where statements have no time limit.
REPLICA_ANSWER_SECONDS = 3.0
SENTINEL_PORT = 26379
# A host that is gone sends no packet. The system notices after these seconds; workers, which have
# no time limit, rely on it.
CLIENT_KEEPALIVES = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
# The server notices it as soon. Otherwise it keeps the session, and what its transaction has
# locked, for two hours by the defaults of Linux. Unix sockets ignore these settings.
SERVER_KEEPALIVES: dict[str, int | str] = {
    "tcp_keepalives_idle": 10,
    "tcp_keepalives_interval": 3,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
# Emails per second.
MIN_RATE = 0.001
MAX_RATE = 100_000
RATES = f"a rate is 0 for no limit, or from {MIN_RATE} to {MAX_RATE:,}"
SENTINEL_FORM = (
    "REDIS_URL is wrong: with Sentinel it looks like "
    "redis+sentinel://host:26379,host:26379,host:26379/service/0."
)


def database_settings(env: environ.Env, var_dir: Path) -> dict[str, Any]:
    """Returns DATABASES["default"] from DATABASE_URL; without one, an SQLite file in `var_dir`."""
    database = env.db("DATABASE_URL", default=f"sqlite:///{var_dir}/rollcall.sqlite3")
    database.setdefault("OPTIONS", {})
    if database["ENGINE"].endswith("sqlite3"):
        Path(database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        configure_sqlite(database)
    else:
        configure_postgresql(database, env)
    return database


def replica_settings(env: environ.Env) -> dict[str, dict[str, Any]]:
    """Returns the alias "replica" of DATABASES from REPLICA_URL; {} without one."""
    if not env.str("REPLICA_URL", ""):
        return {}
    replica = env.db("REPLICA_URL")
    if "postgres" not in replica["ENGINE"]:
        raise ImproperlyConfigured("REPLICA_URL is wrong: only PostgreSQL has streaming replicas.")
    options = replica.setdefault("OPTIONS", {})
    # A request that waits for a replica in vain goes on to the primary.
    options["connect_timeout"] = 2
    # All rows of a page are of one moment (users/caching/replica.py).
    options["isolation_level"] = IsolationLevel.REPEATABLE_READ
    configure_postgresql(replica, env)
    replica.setdefault("ANSWER_SECONDS", REPLICA_ANSWER_SECONDS)
    # Tests that use it have a replica of their own, which follows the test database.
    replica["TEST"] = {"MIRROR": "default"}
    return {"replica": replica}


def configure_sqlite(database: dict[str, Any]) -> None:
    database["ENGINE"] = "users.database.sqlite3"
    # secure_delete: erased data is overwritten with zeros, and does not stay in free pages until
    # VACUUM. IMMEDIATE: a transaction takes the write lock at once, and waits up to 20 s for it. A
    # DEFERRED one would fail.
    database["OPTIONS"] |= {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
        "PRAGMA mmap_size=134217728;"
        "PRAGMA secure_delete=ON;",
    }
    database["CONN_MAX_AGE"] = None


def configure_postgresql(database: dict[str, Any], env: environ.Env) -> None:
    options = database["OPTIONS"]
    database["ENGINE"] = "users.database.postgresql"
    database["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 600)
    database["CONN_HEALTH_CHECKS"] = True
    for name, value in CLIENT_KEEPALIVES.items():
        options.setdefault(name, value)
    # A pooler that assigns connections by transaction keeps nothing of a session: no prepared
    # statements before PgBouncer 1.21, no cursors outside of transactions, no startup options.
    is_pooled = env.bool("POOLED", False)
    database["DISABLE_SERVER_SIDE_CURSORS"] = is_pooled
    # Repeated statements are planned once.
    is_prepared = env.bool("PREPARED_STATEMENTS", not is_pooled)
    options["prepare_threshold"] = 1 if is_prepared else None
    # Only the web server sets this (gunicorn.conf.py). Migrations and jobs have no time limit.
    milliseconds = env.int("STATEMENT_TIMEOUT_MS", 0)
    if milliseconds:
        # A server that hangs cannot enforce its time limit. A second later the request gives up
        # (users/database/postgresql/answers.py).
        database["ANSWER_SECONDS"] = milliseconds / 1000 + 1
    # Behind a pooler the role and the pooler have these settings: docs/operating.md.
    if not is_pooled:
        options["options"] = session_options(milliseconds, options.get("options", ""))


def session_options(milliseconds: int, given: str) -> str:
    """Returns the settings of a session, of which `given` overrides others."""
    settings = SERVER_KEEPALIVES | statement_limits(milliseconds)
    switches = [f"-c {name}={value}" for name, value in settings.items()]
    return " ".join([*switches, given]).rstrip()


def statement_limits(milliseconds: int) -> dict[str, int | str]:
    """Returns the settings of a web process's sessions; {} for another process."""
    if not milliseconds:
        return {}
    return {
        "statement_timeout": milliseconds,
        "lock_timeout": milliseconds,
        "idle_in_transaction_session_timeout": 30_000,
        # Prepared statements have one plan (users/database/prepared_statements.py).
        "plan_cache_mode": "force_generic_plan",
        # A wrong estimate of the planner must not read ten million rows to find fifty.
        "enable_seqscan": "off",
        "jit": "off",
    }


def cache_settings(redis_url: str, base_dir: Path) -> dict[str, dict[str, Any]]:
    """Returns CACHES. Without `redis_url`, each process has page caches of its own."""
    process = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    pages = process | {"LOCATION": "pages", "OPTIONS": {"MAX_ENTRIES": 5000}}
    return {
        # Rate limits must work even if Redis fails, so they are in the database.
        "default": {
            "BACKEND": "users.caching.database_cache.DatabaseCache",
            "LOCATION": "rollcall_cache",
        },
        # Disposable: its content may be lost at any time.
        "pages": redis_cache(redis_url, base_dir) if redis_url else pages,
        # For django-q2's statistics, which each process keeps for itself.
        "process": process | {"LOCATION": "process"},
    }


def redis_cache(redis_url: str, base_dir: Path) -> dict[str, Any]:
    location, options = parse_sentinel_url(redis_url)
    return {
        "BACKEND": "users.caching.backend.PageCache",
        "LOCATION": location,
        "KEY_PREFIX": release_digest(base_dir),
        "OPTIONS": options
        | {
            # Seconds. After a timeout, the circuit breaker is open for a while.
            "SOCKET_CONNECT_TIMEOUT": 0.1,
            "SOCKET_TIMEOUT": 0.1,
            # One immediate retry if an open connection turns out to be closed; none for timeouts.
            "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 1, (ConnectionError,))},
        },
    }


def parse_sentinel_url(redis_url: str) -> tuple[str, dict[str, Any]]:
    """Returns LOCATION and OPTIONS for redis+sentinel://host:port,host:port/service/database.

    A user and password in the URL are those of Redis; its sentinels have none. Another URL is
    returned as it is.
    """
    url = urlsplit(redis_url)
    if url.scheme != "redis+sentinel":
        return redis_url, {}
    account, _, hosts = url.netloc.rpartition("@")
    sentinels = [parse_sentinel(host) for host in hosts.split(",") if host]
    service, _, database = url.path.strip("/").partition("/")
    if not sentinels or not service or not (database or "0").isdecimal():
        raise ImproperlyConfigured(SENTINEL_FORM)
    if account:
        account += "@"
    location = f"redis://{account}{service}/{database or 0}"
    return location, sentinel_options(sentinels)


def sentinel_options(sentinels: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "CONNECTION_FACTORY": "django_redis.pool.SentinelConnectionFactory",
        "SENTINELS": sentinels,
        # Three that hang take less than a second together.
        "SENTINEL_KWARGS": {
            "socket_timeout": 0.1,
            "socket_connect_timeout": 0.1,
            "retry": Retry(NoBackoff(), 0),
        },
    }


def parse_sentinel(host: str) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if not colon:
        return host, SENTINEL_PORT
    if not name or not port.isdecimal():
        raise ImproperlyConfigured(SENTINEL_FORM)
    return name.strip("[]"), int(port)


def first_account_id(env: environ.Env) -> int:
    """Returns ACCOUNT_ID_START. Raises ImproperlyConfigured."""
    start = env.int("ACCOUNT_ID_START", 1)
    if not 1 <= start < 2**62:
        raise ImproperlyConfigured("ACCOUNT_ID_START is wrong: it is a positive number below 2^62.")
    return start


def import_limits(env: environ.Env) -> tuple[int, int, int]:
    """Returns IMPORT_MAX_MB and IMPORT_MAX_ROWS, the size of the largest file that can be imported
    in the browser, and IMPORT_DAYS, for which its content is stored. Raises ImproperlyConfigured.
    """
    numbers: list[int] = []
    limits = (
        ("IMPORT_MAX_MB", 1024, 100_000),
        ("IMPORT_MAX_ROWS", 10_000_000, 100_000_000),
        ("IMPORT_DAYS", 7, 365),
    )
    for name, default, most in limits:
        number = parse_number(env.str(name, str(default)))
        if not isinstance(number, int) or not 1 <= number <= most:
            raise ImproperlyConfigured(f"{name} is wrong: it is a number from 1 to {most:,}.")
        numbers.append(number)
    megabytes, rows, days = numbers
    return megabytes, rows, days


def list_days(env: environ.Env) -> int:
    """Returns LIST_DAYS, for which pasted lists of accounts are stored. Raises
    ImproperlyConfigured.
    """
    days = parse_number(env.str("LIST_DAYS", "7"))
    if days not in range(1, 366):
        raise ImproperlyConfigured("LIST_DAYS is wrong: it is a number from 1 to 365.")
    return int(days or 0)


def second_factor_policy(env: environ.Env, default: str) -> tuple[str, int]:
    """Returns SECOND_FACTOR_REQUIRED and SECOND_FACTOR_GRACE_DAYS. Raises ImproperlyConfigured."""
    who = env.str("SECOND_FACTOR_REQUIRED", default)
    if who not in ("none", "staff", "superusers"):
        raise ImproperlyConfigured(
            "SECOND_FACTOR_REQUIRED is wrong: it is none, staff or superusers."
        )
    days = parse_number(env.str("SECOND_FACTOR_GRACE_DAYS", "14"))
    if days not in range(366):
        raise ImproperlyConfigured(
            "SECOND_FACTOR_GRACE_DAYS is wrong: it is a number from 0 to 365."
        )
    return who, int(days or 0)


def smtp_settings(found: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of a mail server from those that EMAIL_URL has."""
    if not found["EMAIL_BACKEND"].endswith("smtp.EmailBackend"):
        return found
    port = 25
    if found.get("EMAIL_USE_TLS"):
        port = 587
    if found.get("EMAIL_USE_SSL"):
        port = 465
    backend = "users.mail.smtp_backend.SmtpBackend"
    return found | {"EMAIL_BACKEND": backend, "EMAIL_PORT": found["EMAIL_PORT"] or port}


def connection_count(env: environ.Env) -> int:
    """Returns MAIL_CONNECTIONS. Raises ImproperlyConfigured."""
    number = parse_number(env.str("MAIL_CONNECTIONS", "1"))
    if number not in range(1, 51):
        raise ImproperlyConfigured("MAIL_CONNECTIONS is wrong: it is a number from 1 to 50.")
    return int(number or 0)


def answer_seconds(env: environ.Env) -> float:
    """Returns EMAIL_TIMEOUT. Raises ImproperlyConfigured."""
    seconds = parse_number(env.str("EMAIL_TIMEOUT", "") or "20")
    if seconds is None or not 1 <= seconds <= 600:
        raise ImproperlyConfigured("EMAIL_TIMEOUT is wrong: it is a number from 1 to 600.")
    return seconds


def authority_file(env: environ.Env) -> str:
    """Returns EMAIL_CA_FILE. Raises ImproperlyConfigured."""
    path = env.str("EMAIL_CA_FILE", "")
    try:
        if path:
            create_default_context(cafile=path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"EMAIL_CA_FILE is wrong: {path} has no certificates that can be read."
        ) from error
    return path


def domain_rates(env: environ.Env) -> dict[str, float]:
    """Returns MAIL_DOMAIN_RATES, such as gmail.com=5,*=20. Raises ImproperlyConfigured."""
    rates = {}
    for part in env.list("MAIL_DOMAIN_RATES", default=[]):
        domain, _, rate = part.partition("=")
        rates[domain.strip().lower()] = parse_rate(rate)
    if None in rates.values() or "" in rates:
        raise ImproperlyConfigured(
            "MAIL_DOMAIN_RATES is wrong: it has the emails per second for each domain, "
            f"such as gmail.com=5,*=20; {RATES}."
        )
    return {domain: rate or 0 for domain, rate in rates.items()}


def sending_rate(env: environ.Env) -> float:
    """Returns MAIL_RATE. Raises ImproperlyConfigured."""
    rate = parse_rate(env.str("MAIL_RATE", "") or "0")
    if rate is None:
        raise ImproperlyConfigured(f"MAIL_RATE is wrong: it has the emails per second; {RATES}.")
    return rate


def parse_rate(text: str) -> float | None:
    """Returns a number of emails per second; None for text that is none. The time between two
    emails must be one that the database can store.
    """
    rate = parse_number(text)
    return rate if rate == 0 or (rate and MIN_RATE <= rate <= MAX_RATE) else None


def parse_number(text: str) -> float | None:
    """Returns a number from 0 on, or None for other text. A whole number is an int: `in` compares a
    float with each number of a range.
    """
    try:
        number = float(text)
    except ValueError:
        return None
    if not 0 <= number < inf:
        return None
    return int(number) if number.is_integer() else number
