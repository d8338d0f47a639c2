"""A running provider for the tests of this folder, and settings that name it."""

from collections.abc import Iterator

import pytest

from tests.builders import PASSWORD, make_user
from tests.oidc.fake_provider import CLIENT_ID, CLIENT_SECRET, FakeProvider, Handler, run_provider
from users.models import User
from users.oidc.models import OidcLink
from users.oidc.provider import forget_provider


@pytest.fixture(scope="package")
def provider_server() -> Iterator[type[Handler]]:
    with run_provider() as handler:
        yield handler


@pytest.fixture
def provider(provider_server, settings) -> FakeProvider:
    provider = FakeProvider(provider_server.port)
    provider_server.provider = provider
    settings.OIDC = settings.OIDC._replace(
        mode="both",
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        name="Contoso",
    )
    forget_provider()
    return provider


@pytest.fixture
def ada(provider) -> User:
    """A member of staff who is linked to the person of the provider."""
    ada = make_user("Support", username="ada", password=PASSWORD)
    OidcLink.objects.create(issuer=provider.issuer, subject=provider.subject, account_id=ada.pk)
    return ada
