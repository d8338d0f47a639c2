"""Settings from the environment: what is missing or weak stops the start and is named."""

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from connections import parse_number

from tests.forks import Origin
from tests.processes import ROOT
from tests.site.settings_loader import COMMAND, copy_settings, load_settings

pytestmark = pytest.mark.sqlite  # of settings, and not of the database

STRONG = "x8Rk2vQm9Lp4Wz7Ns1Tc6Yb3Hd5Jf0GaUeIoPiLkMnBvCxZq1W2"
PRODUCTION = {
    "SECRET_KEY": STRONG,
    "ALLOWED_HOSTS": "rollcall.example.com",
    "SITE_URL": "https://rollcall.example.com",
}


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    origin = Origin(COMMAND, ROOT, dict(os.environ))
    yield origin
    origin.close()


@pytest.fixture
def load(origin, tmp_path):
    """Loads the settings in a checkout of their own, which has no .env, and an environment of their
    own.
    """
    folder = tmp_path / "site"
    copy_settings(folder)

    def load(*names: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return load_settings(origin, folder, names, environment)

    return load


@pytest.fixture
def values(load):
    def values(*names: str, **environment: str) -> dict:
        result = load(*names, **environment)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return values


def test_production_values_are_taken(values):
    assert values("DEBUG", "ALLOWED_HOSTS", "SITE_URL", **PRODUCTION) == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["rollcall.example.com"],
        "SITE_URL": "https://rollcall.example.com",
    }


@pytest.mark.parametrize("name", PRODUCTION)
def test_a_missing_value_stops_the_start_and_is_named(load, name):
    for environment in (
        PRODUCTION | {name: ""},
        {other: value for other, value in PRODUCTION.items() if other != name},
    ):
        result = load(**environment)
        assert result.returncode != 0
        assert f"{name} is not set" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", STRONG[:49]),
        ("SECRET_KEY", "ab" * 40),
        ("SECRET_KEY", "django-insecure-" + STRONG),
        ("SECRET_KEY", "local-only-" + STRONG),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "rollcall.example.com, *"),
        ("SITE_URL", "http://rollcall.example.com"),
        ("SITE_URL", "rollcall.example.com"),
        ("SITE_URL", "ftp://rollcall.example.com"),
        ("AUDIT_LOG_TOKEN", "short"),
        ("ORGANISATION_NAME", "Example\nLtd"),
        ("ORGANISATION_LOGO_URL", "http://www.example.com/logo.png"),
        ("ORGANISATION_LANGUAGE", "english please"),
        ("HELP_CONTACT", "javascript:alert(1)"),
        ("HSTS_DAYS", "-1"),
        ("HSTS_DAYS", "10000"),
        ("SECURITY_CONTACT", "security@example.com"),
        ("SECURITY_CONTACT", "http://example.com/security"),
        ("SECURITY_CONTACT", "mailto:a@example.com\nExpires: never"),
        ("ADMINISTRATOR_APPROVAL", "sometimes"),
        ("MINIMUM_ADMINISTRATORS", "0"),
        ("MINIMUM_ADMINISTRATORS", "few"),
        ("TICKET_FIELD", "mandatory"),
        ("TICKET_PATTERN", "[A-Z"),
        ("TICKET_PATTERN", "([A-Z]+)+-[0-9]+"),
        ("TICKET_URL", "javascript:alert({ticket})"),
        ("TICKET_URL", "https://tickets.example.com/"),
        ("TICKET_URL", "https://{ticket}.example.com/"),
        ("RECORD_OUTSIDE_CHANGES", "maybe"),
    ],
)
def test_a_weak_value_stops_the_start_and_is_named(load, name, value):
    result = load(**PRODUCTION | {name: value})
    assert result.returncode != 0
    message = result.stderr.splitlines()[-1].split(": ")[1]
    assert message.startswith((f"{name} is ", f"{name} must be ")), result.stderr


def test_security_text_needs_a_date_after_which_it_is_not_used(load, values):
    contact = {"SECURITY_CONTACT": "mailto:security@example.com"}
    for day in ({}, {"SECURITY_EXPIRES": "next year"}):
        result = load(**PRODUCTION | contact | day)
        assert "SECURITY_EXPIRES is missing or wrong" in result.stderr.splitlines()[-1]
    found = values("SECURITY_EXPIRES", **PRODUCTION, **contact, SECURITY_EXPIRES="2027-06-30")
    assert found["SECURITY_EXPIRES"] == "2027-06-30 00:00:00+00:00"


def test_hsts_can_be_shortened_and_needs_https(values):
    for days, seconds in {"": 31_536_000, "1": 86_400, "0": 0}.items():
        given = {"HSTS_DAYS": days} if days else {}
        assert values("SECURE_HSTS_SECONDS", **PRODUCTION | given)["SECURE_HSTS_SECONDS"] == seconds
    local = values("SECURE_HSTS_SECONDS", DEBUG="1", HSTS_DAYS="30")
    assert local["SECURE_HSTS_SECONDS"] == 0


def test_emails_carry_the_name_that_people_know(values):
    names = ("ORGANISATION_NAME", "DEFAULT_FROM_EMAIL")
    assert list(values(*names, **PRODUCTION).values()) == [
        "rollcall.example.com",
        "rollcall.example.com <no-reply@rollcall.example.com>",
    ]
    sender = "Exämple Inc. <no-reply@example.com>"
    found = values(*names, **PRODUCTION, DEFAULT_FROM_EMAIL=sender)
    assert list(found.values()) == ["Exämple Inc.", sender]
    found = values(*names, **PRODUCTION, ORGANISATION_NAME='Bob, "Ltd"')
    assert found["DEFAULT_FROM_EMAIL"] == '"Bob, \\"Ltd\\"" <no-reply@rollcall.example.com>'


def test_debug_takes_the_place_of_the_values(values):
    assert values("DEBUG", "SITE_URL", DEBUG="1") == {
        "DEBUG": True,
        "SITE_URL": "http://localhost:8000",
    }


def test_the_environment_wins_over_the_file(values, tmp_path):
    lines = [
        f"{name}={value}\n"
        for name, value in (PRODUCTION | {"SITE_URL": "https://file.example.com"}).items()
    ]
    (tmp_path / ".env").write_text("".join(lines))
    assert values("SITE_URL")["SITE_URL"] == "https://file.example.com"
    assert (
        values("SITE_URL", SITE_URL="https://b.example.com")["SITE_URL"] == "https://b.example.com"
    )


def test_without_services_everything_is_embedded(values, tmp_path):
    found = values("DATABASES", "CACHES", "EMAIL_BACKEND", **PRODUCTION)
    assert found["DATABASES"]["default"]["ENGINE"] == "users.database.sqlite3"
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "rollcall.sqlite3")
    assert "locmem" in found["CACHES"]["pages"]["BACKEND"]
    assert found["EMAIL_BACKEND"] == "users.mail.file_backend.FilesBackend"


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_a_redis_serves_pages_and_nothing_else(values, scheme):
    url = f"{scheme}://:secret@cache.example.com:6380/1"
    caches = values("CACHES", **PRODUCTION, REDIS_URL=url)["CACHES"]
    assert caches["pages"]["LOCATION"] == url
    assert [name for name, cache in caches.items() if cache.get("LOCATION") == url] == ["pages"]


def test_a_database_url_chooses_postgresql(values):
    database = values(
        "DATABASES", **PRODUCTION, DATABASE_URL="postgres://ann:pw@db:5433/people?sslmode=require"
    )["DATABASES"]
    assert database["default"]["ENGINE"] == "users.database.postgresql"
    assert database["default"]["HOST"] == "db"
    assert database["default"]["PORT"] == 5433
    assert database["default"]["OPTIONS"]["sslmode"] == "require"
    assert database["default"]["OPTIONS"]["prepare_threshold"] == 1


def test_a_database_url_may_name_each_server_that_can_become_the_primary(values):
    url = "postgres://ann:pw@db1:5432,db2:5433/people?target_session_attrs=read-write"
    database = values("DATABASES", **PRODUCTION, DATABASE_URL=url)["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"]) == ("db1,db2", "5432,5433")
    assert database["OPTIONS"]["target_session_attrs"] == "read-write"


def test_a_web_process_counts_the_seconds_itself_and_a_worker_does_not(values):
    url = "postgres://ann:pw@db/people?connect_timeout=2&options=-c%20search_path%3Drollcall"
    services = {"DATABASE_URL": url}
    web = values("DATABASES", **PRODUCTION, **services, STATEMENT_TIMEOUT_MS="2000")["DATABASES"]
    assert web["default"]["ANSWER_SECONDS"] == 3
    assert web["default"]["OPTIONS"]["connect_timeout"] == 2
    worker = values("DATABASES", **PRODUCTION, **services, STATEMENT_TIMEOUT_MS="0")["DATABASES"]
    assert "ANSWER_SECONDS" not in worker["default"]
    # The systems of both hosts notice that the other one is gone.
    options = worker["default"]["OPTIONS"]["options"]
    assert options.startswith("-c tcp_keepalives_idle=10 -c ")
    assert options.endswith("-c tcp_user_timeout=30000 -c search_path=rollcall")
    assert worker["default"]["OPTIONS"]["keepalives_idle"] == 10
    assert worker["default"]["OPTIONS"]["tcp_user_timeout"] == 30_000


def test_behind_a_pooler_nothing_is_prepared(values):
    services = {"DATABASE_URL": "postgres://ann:pw@db:5433/people", "PREPARED_STATEMENTS": "0"}
    assert (
        values("DATABASES", **PRODUCTION, **services)["DATABASES"]["default"]["OPTIONS"][
            "prepare_threshold"
        ]
        is None
    )


LOCAL = {
    "SECRET_KEY": STRONG,
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "SITE_URL": "http://localhost:8000",
    "HOST": "127.0.0.1",
    "DEMO_SIGN_IN": "1",
}


def test_a_local_demo_may_be_signed_in_to_without_a_password(values):
    assert values("DEMO_SIGN_IN", **LOCAL) == {"DEMO_SIGN_IN": True}
    assert values("DEMO_SIGN_IN", **PRODUCTION) == {"DEMO_SIGN_IN": False}


@pytest.mark.parametrize(
    "others",
    [
        PRODUCTION,
        {"HOST": "0.0.0.0"},
        {"HOST": ""},
        {"ALLOWED_HOSTS": "localhost,laptop.example.com"},
        {"SITE_URL": "https://localhost:8000"},
        {"ALLOWED_HOSTS": "*", "DEBUG": "1"},
    ],
)
def test_a_site_that_others_reach_refuses_sign_in_without_a_password(load, others):
    result = load(**LOCAL | others)
    assert result.returncode != 0
    assert "DEMO_SIGN_IN is only for a demo" in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EMAIL_TIMEOUT", "soon"),
        ("EMAIL_CA_FILE", "/nowhere.pem"),
        ("IMPORT_MAX_MB", "much"),
        ("IMPORT_MAX_ROWS", "0"),
        ("IMPORT_MAX_ROWS", "1.5"),
        ("IMPORT_DAYS", "0"),
        ("LIST_DAYS", "0"),
        ("SESSION_IDLE_MINUTES", "9"),
        ("TOKEN_MAX_DAYS", "0"),
        ("SESSION_MAX_HOURS", "0"),
        ("SUDO_MINUTES", "1.5"),
        ("SUDO_BULK_ABOVE", "-1"),
        ("METER_BUDGETS", "opening=5"),
        ("METER_BUDGETS", "Support:openings=0"),
        ("METER_SERVICE_BUDGETS", "opening=5"),
        ("METER_DEVIATIONS", "0"),
        ("METER_DAYS", "1"),
        ("STAFF_PASSWORD_LENGTH", "7"),
        ("STAFF_PASSWORD_LENGTH_WITH_FACTOR", "65"),
        ("BREACHED_PASSWORDS_FILE", "/nowhere.txt"),
        ("BREACHED_PASSWORDS_FILE", __file__),
        ("GEOIP_PATH", "/nowhere.mmdb"),
        ("GEOIP_PATH", __file__),
        ("MAIL_CONNECTIONS", "0"),
        ("MAIL_CONNECTIONS", "1.5"),
        ("MAIL_RATE", "-1"),
        ("MAIL_RATE", "nan"),
        ("MAIL_DOMAIN_RATES", "gmail.com"),
        ("MAIL_DOMAIN_RATES", "=5"),
        ("MAIL_REPLY_TO", "help@example"),
        ("DEFAULT_FROM_EMAIL", "Example <news@example.com"),
    ],
)
def test_a_wrong_number_or_address_stops_the_start_and_is_named(load, name, value):
    result = load(**PRODUCTION | {name: value})
    assert result.returncode != 0
    assert f"{name} is wrong" in result.stderr.splitlines()[-1]


def test_a_whole_number_is_compared_with_a_range_at_once():
    texts = ("10000000", "1e3", "0.5")
    assert [type(parse_number(text)) for text in texts] == [int, int, float]


@pytest.mark.parametrize("value", ["-1", "101"])
def test_a_wrong_number_of_years_stops_the_start_and_is_named(load, value):
    result = load(**PRODUCTION | {"AUDIT_VALUE_YEARS": value})
    assert result.returncode != 0
    assert "AUDIT_VALUE_YEARS" in result.stderr.splitlines()[-1]


def test_the_mail_server_has_the_port_of_its_scheme_and_limits(values):
    names = ("EMAIL_BACKEND", "EMAIL_PORT", "MAIL_DOMAIN_RATES", "MAIL_RATE", "MAIL_CONNECTIONS")
    limits = {"MAIL_DOMAIN_RATES": "Gmail.com=5, *=0.5", "MAIL_RATE": "14"}
    for scheme, port in {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}.items():
        found = values(*names, **PRODUCTION, **limits, EMAIL_URL=f"{scheme}://mail.example.com")
        assert found == {
            "EMAIL_BACKEND": "users.mail.smtp_backend.SmtpBackend",
            "EMAIL_PORT": port,
            "MAIL_DOMAIN_RATES": {"gmail.com": 5, "*": 0.5},
            "MAIL_RATE": 14,
            "MAIL_CONNECTIONS": 1,
        }


def test_a_pattern_of_tickets_needs_an_example(load, values):
    usual = values("TICKET_EXAMPLE", **PRODUCTION, TICKET_PATTERN="[A-Z]+-[0-9]+")
    assert usual == {"TICKET_EXAMPLE": "SUP-123"}
    pattern = {"TICKET_PATTERN": "case/[0-9]{3}"}
    own = values("TICKET_EXAMPLE", **PRODUCTION, **pattern, TICKET_EXAMPLE="case/042")
    assert own == {"TICKET_EXAMPLE": "case/042"}
    for example in ("", "SUP-123"):
        result = load(**PRODUCTION, **pattern, TICKET_EXAMPLE=example)
        assert result.returncode != 0
        assert "TICKET_EXAMPLE must be" in result.stderr.splitlines()[-1]


WITNESS_KEY = "witness.example.com+2613ca90+BMNjeMWwUeJHZqQ724lcJo4o/bmjIUUGZBa375xHcKAK"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AUDIT_ANCHOR_SYSLOG", "host:514"),
        ("AUDIT_ANCHOR_SYSLOG", "https://host:6514"),
        ("AUDIT_ANCHOR_SYSLOG", "tls://host:99999"),
        ("AUDIT_ANCHOR_SYSLOG", "tls://:6514"),
        ("AUDIT_ANCHOR_WEBHOOK", "http://example.com/"),
        ("AUDIT_ANCHOR_WEBHOOK", "https://exam ple.com/"),
        ("AUDIT_ANCHOR_EMAILS", "audit@example.com,board"),
        ("AUDIT_FEED_WEBHOOK", "http://example.com/"),
        ("AUDIT_FEED_WEBHOOK", "https://user:word@example.com/"),
        ("AUDIT_FEED_SECRETS", "whsec_c2hvcnQ="),
        ("AUDIT_FEED_SECRETS", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"),
        ("AUDIT_FEED_SYSLOG", "udp://host:514"),
        ("AUDIT_FEED_SYSLOG", "tls://host:6514/path"),
        ("AUDIT_FEED_CA_FILE", "/nowhere/ca.pem"),
        ("AUDIT_FEED_PRIVATE_ADDRESSES", "yes"),
        ("WEBHOOK_CA_FILE", "/nowhere/ca.pem"),
        ("WEBHOOK_DELIVERY_DAYS", "0"),
        ("SSF_KEY_FILE", "/nowhere/key.pem"),
        ("SSF_KEY_FILE", "/dev/null"),
        ("AUDIT_WITNESSES", "https://witness.example.com"),
        ("AUDIT_WITNESSES", f"ftp://witness.example.com {WITNESS_KEY}"),
        ("AUDIT_WITNESSES", f"https://witness.example.com {WITNESS_KEY[:-4]}"),
        ("AUDIT_WITNESSES", f"https://witness.example.com {WITNESS_KEY.replace('.com+', '.org+')}"),
        ("AUDIT_WITNESSES", "https://w.example PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiB"),
    ],
)
def test_a_wrong_setting_of_the_audit_trail_stops_the_start_and_is_named(load, name, value):
    result = load(**PRODUCTION | {name: value})
    assert result.returncode != 0
    assert f"{name} must be" in result.stderr.splitlines()[-1]


def test_a_webhook_without_a_secret_stops_the_start(load):
    result = load(**PRODUCTION | {"AUDIT_FEED_WEBHOOK": "https://example.com/"})
    assert "AUDIT_FEED_SECRETS is missing" in result.stderr.splitlines()[-1]


def test_the_anchors_of_the_audit_trail_are_taken(values):
    given = {
        "AUDIT_ANCHOR_SYSLOG": "tls://logs.example.com:6514",
        "AUDIT_ANCHOR_WEBHOOK": "http://127.0.0.1:9000/x",
        "AUDIT_ANCHOR_EMAILS": "audit@example.com, board@example.org",
        "AUDIT_WITNESSES": f"https://w.example/a {WITNESS_KEY}, http://localhost:1 {WITNESS_KEY}",
    }
    assert values(*given, **PRODUCTION, **given) == {
        "AUDIT_ANCHOR_SYSLOG": "tls://logs.example.com:6514",
        "AUDIT_ANCHOR_WEBHOOK": "http://127.0.0.1:9000/x",
        "AUDIT_ANCHOR_EMAILS": ["audit@example.com", "board@example.org"],
        "AUDIT_WITNESSES": [
            ["https://w.example/a", WITNESS_KEY],
            ["http://localhost:1", WITNESS_KEY],
        ],
    }
