"""EMAIL_URL=anymail+…, and what protects the webhooks: bad values stop the start and are named."""

import environ
import pytest
from connections import answer_seconds, domain_rates, sending_rate
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from email_settings import (
    PROVIDERS,
    event_providers,
    provider_backend,
    provider_name,
    provider_settings,
    require_secrets,
    webhook_keys,
    webhook_secrets,
)
from organisation import typed_mailbox

pytestmark = pytest.mark.sqlite  # of settings, and not of the database

SECRET = "rollcall:a-password-for-webhooks"
URLS = {
    "brevo": "anymail+brevo://KEY@",
    "mailersend": "anymail+mailersend://KEY@",
    "mailgun": "anymail+mailgun://KEY@api.eu.mailgun.net/v3?sender_domain=mg.example.com",
    "mailjet": "anymail+mailjet://KEY:SECRET@",
    "mailtrap": "anymail+mailtrap://KEY@?sandbox_id=12",
    "mandrill": "anymail+mandrill://KEY@",
    "postal": "anymail+postal://KEY@postal.example.com",
    "postmark": "anymail+postmark://KE%2FY@?message_stream=outbound",
    "resend": "anymail+resend://KEY@",
    "scaleway": "anymail+scaleway://PROJECT:SECRET@?region=nl-ams",
    "sendgrid": "anymail+sendgrid://KEY@",
    "sparkpost": "anymail+sparkpost://KEY@api.eu.sparkpost.com/api/v1",
    "unisender-go": "anymail+unisender-go://KEY@go1.unisender.ru/ru/transactional/api/v1",
}


class Environment(environ.Env):
    """Variables of a test instead of those of the process."""

    def __init__(self, **variables: str):
        super().__init__()
        self.ENVIRON = variables


def start(url: str, **variables: str) -> tuple[list[str], dict[str, list[str]]]:
    """Reads the settings as site/settings.py does. Returns EMAIL_EVENTS and EMAIL_WEBHOOK_KEYS."""
    env = Environment(**variables)
    sender = provider_name(url)
    if sender:
        provider_backend(sender)
    events = event_providers(env, sender)
    secrets = webhook_secrets(env)
    keys = webhook_keys(env, url)
    require_secrets(events, secrets, keys)
    provider_settings(url, secrets)
    return events, keys


def test_each_provider_of_anymail_can_be_chosen(settings):
    assert set(URLS) | {"amazon-ses"} == set(PROVIDERS)
    for name, url in URLS.items():
        assert provider_name(url) == name
        settings.ANYMAIL = provider_settings(url, [])
        # Raises AnymailConfigurationError for a setting that is missing.
        backend = get_connection(provider_backend(name))
        assert backend.esp_name == PROVIDERS[name].label


def test_the_url_gives_the_settings_of_the_provider():
    assert provider_settings(URLS["postmark"], [SECRET]) == {
        "WEBHOOK_SECRET": [SECRET],
        "POSTMARK_SERVER_TOKEN": "KE/Y",
        "POSTMARK_MESSAGE_STREAM": "outbound",
        "REQUESTS_TIMEOUT": 20,
        "SEND_DEFAULTS": {"track_opens": False, "track_clicks": False},
    }
    mailgun = provider_settings(URLS["mailgun"], [])
    assert mailgun["MAILGUN_API_URL"] == "https://api.eu.mailgun.net/v3/"
    assert mailgun["MAILGUN_SENDER_DOMAIN"] == "mg.example.com"
    ses = provider_settings("anymail+amazon-ses://ID:SE%2BCRET@eu-west-1", [])
    assert ses["AMAZON_SES_CLIENT_PARAMS"] == {
        "region_name": "eu-west-1",
        # Whatever is not answered may have been sent.
        "config": {
            "connect_timeout": 20,
            "read_timeout": 20,
            "retries": {"total_max_attempts": 1},
        },
        "aws_access_key_id": "ID",
        "aws_secret_access_key": "SE+CRET",
    }
    assert provider_name("smtp+tls://user:secret@host:587") == ""


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("anymail+pigeon://KEY@", "“pigeon” is not one of amazon-ses, brevo"),
        ("anymail+postmark://", "it looks like anymail+postmark://SERVER_TOKEN@, percent"),
        ("anymail+postmark://KE/Y@", "it looks like anymail+postmark://"),
        ("anymail+postmark://KEY@[host", "it looks like anymail+postmark://"),
        ("anymail+mailjet://KEY@", "it looks like anymail+mailjet://API_KEY:SECRET_KEY@"),
        ("anymail+postal://KEY@", "it looks like anymail+postal://API_KEY@HOST"),
        ("anymail+sendgrid://KEY@?stream=a", "SendGrid has no option “stream”; it takes none"),
        ("anymail+postmark://KEY@?stream=a", "“stream”; it takes message_stream"),
        ("anymail+amazon-ses://ID:SECRET@eu-west-1", "needs the Python package boto3"),
    ],
)
def test_a_bad_url_is_named_without_its_secrets(url, says):
    with pytest.raises(ImproperlyConfigured) as error:
        start(url, EMAIL_EVENTS="none")
    assert str(error.value).startswith("EMAIL_URL ")
    assert says in str(error.value)
    assert "KEY@" not in str(error.value).replace("API_KEY@", "").replace("SECRET_KEY@", "")


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "EMAIL_WEBHOOK_SECRETS is not set: give name:password"),
        ({"EMAIL_EVENTS": "mailgun", "EMAIL_WEBHOOK_SECRETS": SECRET}, "EMAIL_WEBHOOK_KEYS is not"),
        ({"EMAIL_EVENTS": "pigeon"}, "EMAIL_EVENTS is wrong: “pigeon” is not one of"),
        ({"EMAIL_EVENTS": "scaleway"}, "EMAIL_EVENTS is wrong: Scaleway reports no events."),
        ({"EMAIL_WEBHOOK_SECRETS": "rollcall:short"}, "EMAIL_WEBHOOK_SECRETS is weak"),
        ({"EMAIL_WEBHOOK_SECRETS": SECRET.replace(":", "")}, "EMAIL_WEBHOOK_SECRETS is weak"),
        ({"EMAIL_WEBHOOK_KEYS": "mailgun"}, "EMAIL_WEBHOOK_KEYS is wrong"),
        ({"EMAIL_WEBHOOK_KEYS": "postmark=key"}, "EMAIL_WEBHOOK_KEYS is wrong"),
        ({"EMAIL_WEBHOOK_KEYS": "resend=key"}, "needs the Python package svix"),
    ],
)
def test_a_webhook_without_a_secret_stops_the_start(variables, says):
    with pytest.raises(ImproperlyConfigured) as error:
        start(URLS["postmark"], **variables)
    assert says in str(error.value)


def test_webhooks_are_those_of_the_sender_or_of_a_list():
    assert start("smtp://host") == ([], {})
    assert start(URLS["postmark"], EMAIL_EVENTS="none") == ([], {})
    two = f"{SECRET},rollcall:another-password-for-them"
    assert start(URLS["postmark"], EMAIL_WEBHOOK_SECRETS=two) == (["postmark"], {})
    keys = "mailgun=first,mailgun=sec=ond"
    found = start("smtp://host", EMAIL_EVENTS="mailgun", EMAIL_WEBHOOK_KEYS=keys)
    assert found == (["mailgun"], {"mailgun": ["first", "sec=ond"]})
    assert start(URLS["unisender-go"]) == (["unisender-go"], {"unisender-go": ["KEY"]})


def test_rates_and_times_are_such_that_emails_can_be_sent():
    for read, name, values in [
        (answer_seconds, "EMAIL_TIMEOUT", ["0.001", "1e9"]),
        (sending_rate, "MAIL_RATE", ["1e-9", "2000000", "inf"]),
        (domain_rates, "MAIL_DOMAIN_RATES", ["*=1e-9", "*=2000000"]),
    ]:
        for value in values:
            with pytest.raises(ImproperlyConfigured, match=f"^{name} is wrong"):
                read(Environment(**{name: value}))
    assert sending_rate(Environment(MAIL_RATE="0.001")) == 0.001
    assert sending_rate(Environment()) == 0
    assert domain_rates(Environment(MAIL_DOMAIN_RATES="a.example=0,*=100000"))["a.example"] == 0


@pytest.mark.parametrize(
    "value",
    [
        "Example, Inc <news@example.com>",
        "Example <news@example.com",
        "Example <news@example.com>\nBcc: eve@example.com",
        "news@example.com, other@example.com",
        "Example",
        "Example <news>",
    ],
)
def test_an_address_that_no_email_can_carry_stops_the_start(value):
    with pytest.raises(ImproperlyConfigured, match=r"^MAIL_REPLY_TO is wrong"):
        typed_mailbox(Environment(MAIL_REPLY_TO=value), "MAIL_REPLY_TO")
