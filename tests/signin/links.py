"""The links that mails bring."""

import re

from django.conf import settings
from django.core import mail

from tests.pages import form


def link_in_mail() -> str:
    """The path in the newest mail; text and HTML have the same one, and it begins with SITE_URL."""
    message = mail.outbox[-1]
    html = message.alternatives[0].content
    links = {*re.findall(rf"{settings.SITE_URL}(/password/choose/\S+)", message.body)}
    assert len(links) == 1
    assert f'href="{settings.SITE_URL}{next(iter(links))}"' in html
    return links.pop()


def choose(client, link: str, first: str, second: str | None = None):
    """Opens the link, fills in the form and sends it; follows where that leads."""
    opened = client.get(link, follow=True)
    path = opened.request["PATH_INFO"]
    assert form(opened, path) == {"password1": "", "password2": ""}
    return client.post(
        path, {"password1": first, "password2": first if second is None else second}, follow=True
    )
