"""The settings of email providers: EMAIL_URL=anymail+PROVIDER://… and the webhooks by which they
report what became of an email.

PROVIDERS has an entry for each provider of django-anymail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

SCHEME = "anymail+"
# Seconds for which a provider may take to accept an email.
SEND_TIMEOUT = 20
# boto3 would repeat a request that was not answered, and so send the email twice.
SES_CONFIG = {
    "connect_timeout": SEND_TIMEOUT,
    "read_timeout": SEND_TIMEOUT,
    "retries": {"total_max_attempts": 1},
}
# Characters of a webhook's password.
SECRET_LENGTH = 20
WEBHOOKS = "anymail.webhooks."


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A provider: which settings of Anymail its URL gives, and how its webhook is protected."""

    # Anymail's name, with which the provider's settings begin.
    label: str
    # The settings that the parts of the URL give; the host and the path are its `api_url`.
    user: str = "api_key"
    password: str = ""
    needs_host: bool = False
    # The settings that may stand in the query string.
    options: tuple[str, ...] = ()
    # Anymail's view of the webhook; "" if the provider reports nothing.
    view: str = ""
    # The argument of the view that takes the key with which requests are signed.
    signing_key: str = ""
    # Whether the view takes no request without a signature.
    is_signed: bool = False
    # Whether events return what was sent along, so that they name our message.
    takes_metadata: bool = True
    # Whether tracking opens and clicks can be turned off for each email.
    takes_tracking: bool = True
    # The packages that sending and verifying signatures need, and that Rollcall does not install.
    package: str = ""
    key_package: str = ""

    @property
    def prefix(self) -> str:
        return self.label.upper().replace(" ", "_")


PROVIDERS = {
    # Without user and password, the credentials are those of the machine.
    "amazon-ses": Provider(
        label="Amazon SES",
        user="aws_access_key_id",
        password="aws_secret_access_key",  # noqa: S106  the name of a setting
        options=("configuration_set_name",),
        view="users.mail.ses_webhook.SesEventView",
        takes_tracking=False,
        package="boto3",
    ),
    "brevo": Provider(
        label="Brevo",
        view=WEBHOOKS + "brevo.BrevoTrackingWebhookView",
        takes_tracking=False,
    ),
    "mailersend": Provider(
        label="MailerSend",
        user="api_token",
        view=WEBHOOKS + "mailersend.MailerSendTrackingWebhookView",
        signing_key="signing_secret",
        is_signed=True,
        takes_metadata=False,
    ),
    "mailgun": Provider(
        label="Mailgun",
        options=("sender_domain",),
        view=WEBHOOKS + "mailgun.MailgunTrackingWebhookView",
        signing_key="webhook_signing_key",
        is_signed=True,
    ),
    "mailjet": Provider(
        label="Mailjet",
        password="secret_key",  # noqa: S106  the name of a setting
        view=WEBHOOKS + "mailjet.MailjetTrackingWebhookView",
    ),
    "mailtrap": Provider(
        label="Mailtrap",
        user="api_token",
        options=("sandbox_id",),
        view=WEBHOOKS + "mailtrap.MailtrapTrackingWebhookView",
        signing_key="tracking_secret",
        takes_tracking=False,
    ),
    "mandrill": Provider(
        label="Mandrill",
        view=WEBHOOKS + "mandrill.MandrillCombinedWebhookView",
        signing_key="webhook_key",
        is_signed=True,
    ),
    "postal": Provider(
        label="Postal",
        needs_host=True,
        view=WEBHOOKS + "postal.PostalTrackingWebhookView",
        signing_key="webhook_key",
        is_signed=True,
        takes_metadata=False,
        takes_tracking=False,
        key_package="cryptography",
    ),
    "postmark": Provider(
        label="Postmark",
        user="server_token",
        options=("message_stream",),
        view=WEBHOOKS + "postmark.PostmarkTrackingWebhookView",
    ),
    "resend": Provider(
        label="Resend",
        view=WEBHOOKS + "resend.ResendTrackingWebhookView",
        signing_key="signing_secret",
        takes_tracking=False,
        key_package="svix",
    ),
    # It has no webhook.
    "scaleway": Provider(
        label="Scaleway",
        user="project_id",
        password="secret_key",  # noqa: S106  the name of a setting
        options=("region",),
        takes_tracking=False,
    ),
    "sendgrid": Provider(
        label="SendGrid",
        view=WEBHOOKS + "sendgrid.SendGridTrackingWebhookView",
        signing_key="tracking_webhook_verification_key",
        key_package="cryptography",
    ),
    "sparkpost": Provider(
        label="SparkPost",
        options=("subaccount",),
        view=WEBHOOKS + "sparkpost.SparkPostTrackingWebhookView",
    ),
    "unisender-go": Provider(
        label="Unisender Go",
        needs_host=True,
        view=WEBHOOKS + "unisender_go.UnisenderGoTrackingWebhookView",
        signing_key="api_key",
        is_signed=True,
    ),
}


def provider_name(url: str) -> str:
    """Returns the provider of EMAIL_URL, a key of PROVIDERS; "" if it names none."""
    scheme = url.partition("://")[0].lower()
    if not scheme.startswith(SCHEME):
        return ""
    return known_provider("EMAIL_URL", scheme.removeprefix(SCHEME))


def known_provider(setting: str, name: str) -> str:
    if name not in PROVIDERS:
        names = ", ".join(PROVIDERS)
        raise ImproperlyConfigured(f"{setting} is wrong: “{name}” is not one of {names}.")
    return name


def provider_backend(name: str) -> str:
    """Returns EMAIL_BACKEND."""
    provider = PROVIDERS[name]
    require_package("EMAIL_URL", provider.label, provider.package)
    return f"anymail.backends.{name.replace('-', '_')}.EmailBackend"


def provider_settings(url: str, secrets: Sequence[str]) -> dict[str, Any]:
    """Returns ANYMAIL. `secrets`: those of the webhooks."""
    anymail: dict[str, Any] = {"WEBHOOK_SECRET": list(secrets)}
    if not (name := provider_name(url)):
        return anymail
    provider = PROVIDERS[name]
    read = ses_values if name == "amazon-ses" else url_values
    values = read(name, split_url(name, url)) | url_options(name, split_url(name, url))
    anymail |= {f"{provider.prefix}_{key.upper()}": value for key, value in values.items()}
    anymail["REQUESTS_TIMEOUT"] = SEND_TIMEOUT
    if provider.takes_tracking:
        anymail["SEND_DEFAULTS"] = {"track_opens": False, "track_clicks": False}
    return anymail


def split_url(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise bad_form(name) from None
    return parts


def url_values(name: str, parts: SplitResult) -> dict[str, Any]:
    """Returns the settings that stand before the query string."""
    provider = PROVIDERS[name]
    values = {provider.user: unquote(parts.username or "")}
    if provider.password:
        values[provider.password] = unquote(parts.password or "")
    if not all(values.values()) or (provider.needs_host and not parts.hostname):
        raise bad_form(name)
    if parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        values["api_url"] = f"https://{parts.hostname}{port}{parts.path.rstrip('/')}/"
    return values


def ses_values(name: str, parts: SplitResult) -> dict[str, Any]:
    """Returns the settings of Amazon SES, whose host is a region."""
    provider = PROVIDERS[name]
    if not parts.hostname or bool(parts.username) != bool(parts.password):
        raise bad_form(name)
    client: dict[str, Any] = {"region_name": parts.hostname, "config": SES_CONFIG}
    if parts.username:
        client[provider.user] = unquote(parts.username)
        client[provider.password] = unquote(parts.password or "")
    return {"client_params": client}


def url_options(name: str, parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    allowed = PROVIDERS[name].options
    for option in options:
        if option not in allowed:
            known = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
            raise ImproperlyConfigured(
                f"EMAIL_URL is wrong: {PROVIDERS[name].label} has no option “{option}”; {known}."
            )
    return options


def bad_form(name: str) -> ImproperlyConfigured:
    """Returns the error of a URL without a required part. It does not quote secrets."""
    provider = PROVIDERS[name]
    password = f":{provider.password.upper()}" if provider.password else ""
    host = "HOST" if provider.needs_host else ""
    if name == "amazon-ses":
        host = "REGION"
    form = f"{SCHEME}{name}://{provider.user.upper()}{password}@{host}"
    return ImproperlyConfigured(
        f"EMAIL_URL is wrong: with {provider.label} it looks like {form}, percent-encoded."
    )


def require_package(setting: str, label: str, package: str) -> None:
    if package and find_spec(package) is None:
        raise ImproperlyConfigured(
            f"{setting} names {label}, which needs the Python package {package}. Install it too."
        )


# --- webhooks -------------------------------------------------------------------------------------


def event_providers(env: environ.Env, sender: str) -> list[str]:
    """Returns EMAIL_EVENTS: the providers whose webhooks are open. By default the one that sends;
    "none" for no webhook.
    """
    default = [sender] if sender and PROVIDERS[sender].view else []
    names = env.list("EMAIL_EVENTS", default=default)
    if names == ["none"]:
        return []
    for name in names:
        known_provider("EMAIL_EVENTS", name)
        if not PROVIDERS[name].view:
            raise ImproperlyConfigured(
                f"EMAIL_EVENTS is wrong: {PROVIDERS[name].label} reports no events."
            )
    return names


def webhook_secrets(env: environ.Env) -> list[str]:
    """Returns EMAIL_WEBHOOK_SECRETS, each as name:password. Several are valid during a rotation."""
    secrets = env.list("EMAIL_WEBHOOK_SECRETS", default=[])
    for secret in secrets:
        name, _, password = secret.partition(":")
        if not name or len(password) < SECRET_LENGTH or not secret.isascii():
            raise ImproperlyConfigured(
                "EMAIL_WEBHOOK_SECRETS is weak: each is name:password, with a password of at least"
                f" {SECRET_LENGTH} random letters and digits."
            )
    return secrets


def webhook_keys(env: environ.Env, url: str) -> dict[str, list[str]]:
    """Returns EMAIL_WEBHOOK_KEYS, given as provider=key: the keys of their signatures."""
    keys: dict[str, list[str]] = {}
    for entry in env.list("EMAIL_WEBHOOK_KEYS", default=[]):
        name, _, key = entry.partition("=")
        provider = PROVIDERS[known_provider("EMAIL_WEBHOOK_KEYS", name)]
        if not key or not key.isascii() or not provider.signing_key:
            raise ImproperlyConfigured(
                f"EMAIL_WEBHOOK_KEYS is wrong: it looks like mailgun=KEY; {name} has no such key."
            )
        require_package("EMAIL_WEBHOOK_KEYS", provider.label, provider.key_package)
        keys.setdefault(name, []).append(key)
    sender = provider_name(url)
    if sender and PROVIDERS[sender].signing_key == PROVIDERS[sender].user:
        # Signed with the key that also sends.
        keys.setdefault(sender, [unquote(split_url(sender, url).username or "")])
    return keys


def require_secrets(
    names: Sequence[str], secrets: Sequence[str], keys: Mapping[str, Sequence[str]]
) -> None:
    """Raises ImproperlyConfigured for a webhook that anyone could send events to."""
    for name in names:
        provider = PROVIDERS[name]
        if name in keys or (secrets and not provider.is_signed):
            continue
        if provider.is_signed:
            setting = f"EMAIL_WEBHOOK_KEYS is not set: give {name}=KEY, the key with which"
            setting += f" {provider.label} signs"
        else:
            setting = "EMAIL_WEBHOOK_SECRETS is not set: give name:password, which stand in the"
            setting += f" URL of the webhook at {provider.label}"
        raise ImproperlyConfigured(f"{setting}. Or set EMAIL_EVENTS=none for no webhook.")
