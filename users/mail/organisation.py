"""The organisation in whose name emails are sent."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True)
class Organisation:
    name: str
    logo_url: str
    address: str
    # Where people find help; "" if the settings name nothing.
    help_contact: str

    @property
    def initial(self) -> str:
        return self.name[:1].upper()

    @property
    def help(self) -> str:
        """Whom people contact, for the middle of a sentence."""
        return self.help_contact or "your administrator"

    @property
    def help_link(self) -> SafeString | str:
        """`help` as HTML."""
        if "://" in self.help_contact:
            return format_html('<a href="{}">{}</a>', self.help_contact, self.help_contact)
        if "@" in self.help_contact:
            return format_html('<a href="mailto:{}">{}</a>', self.help_contact, self.help_contact)
        return self.help


def current_organisation() -> Organisation:
    return Organisation(
        name=settings.ORGANISATION_NAME,
        logo_url=settings.ORGANISATION_LOGO_URL,
        address=settings.ORGANISATION_ADDRESS,
        help_contact=settings.HELP_CONTACT,
    )
