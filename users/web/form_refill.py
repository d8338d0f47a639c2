"""Puts what somebody typed back into the form of a page that was built anew.

For forms that came too late: the session was over, or the token belonged to another one. The page
is HTML of ours, so it is rewritten as text and no form has to know about it.
"""

import re
from html import escape
from html.parser import HTMLParser

from django.http import QueryDict

TOKEN_NAME = "csrfmiddlewaretoken"  # noqa: S105  a name
# Never kept, neither by name nor by type: whoever comes back types them again.
SECRET_NAME = re.compile(r"password|passphrase|secret|(^|_)(code|otp)$", re.IGNORECASE)
SECRET_TYPES = ("password", "file")
Attributes = dict[str, str | None]


def is_secret(name: str) -> bool:
    return bool(SECRET_NAME.search(name))


def refill_form(html: str, action: str, typed: QueryDict, note: str) -> str:
    """Returns the page with `typed` in the form that is posted to `action`, and `note` above it; ""
    if the page has no such form.
    """
    writer = FormWriter(action, typed, note)
    writer.feed(html)
    writer.close()
    return "".join(writer.written) if writer.found else ""


class FormWriter(HTMLParser):
    """Copies a page, but for the values of one form."""

    def __init__(self, action: str, typed: QueryDict, note: str):
        super().__init__(convert_charrefs=False)
        self.action = action
        self.typed = typed
        self.note = f'<p class="note warning" role="alert" tabindex="-1" autofocus>{note}</p>'
        self.written: list[str] = []
        self.found = False
        self.in_form = False
        self.in_textarea = False
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        text = self.get_starttag_text() or ""
        attributes = dict(attrs)
        if tag == "form" and self.is_wanted(attributes):
            self.found = True
            self.in_form = True
            text += self.note
        elif self.in_form:
            text = self.filled_control(tag, attributes, text)
        self.written.append(text)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.in_form = False
        elif tag == "textarea":
            self.in_textarea = False
        elif tag == "select":
            self.select = ""
        self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self.in_textarea:
            self.written.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.written.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.written.append(f"<!{decl}>")

    def is_wanted(self, attributes: Attributes) -> bool:
        posted = (attributes.get("method") or "").lower() == "post"
        return posted and not self.found and attributes.get("action") == self.action

    def filled_control(self, tag: str, attributes: Attributes, text: str) -> str:
        """Returns the start tag with what was typed; `text` where there is nothing to fill in."""
        if tag == "option" and self.select:
            value = attributes.get("value") or ""
            return marked_tag(tag, attributes, "selected", value in self.values(self.select))
        name = attributes.get("name") or ""
        if name in ("", TOKEN_NAME) or is_secret(name) or "disabled" in attributes:
            return text
        if tag == "select" and name in self.typed:
            self.select = name
        elif tag == "textarea" and name in self.typed:
            # A browser leaves out the first line break.
            self.in_textarea = True
            return f"{text}\n{escape(str(self.typed[name]))}"
        elif tag == "input":
            return self.filled_input(name, attributes, text)
        return text

    def filled_input(self, name: str, attributes: Attributes, text: str) -> str:
        kind = (attributes.get("type") or "text").lower()
        if kind in ("checkbox", "radio"):
            ticked = (attributes.get("value") or "on") in self.values(name)
            return marked_tag("input", attributes, "checked", ticked)
        if kind in SECRET_TYPES or name not in self.typed:
            return text
        return start_tag("input", attributes | {"value": str(self.typed[name])})

    def values(self, name: str) -> list[str]:
        return [str(value) for value in self.typed.getlist(name)]


def marked_tag(tag: str, attributes: Attributes, mark: str, wanted: bool) -> str:
    """Returns the start tag with or without the attribute `mark`."""
    others = {name: value for name, value in attributes.items() if name != mark}
    return start_tag(tag, others | ({mark: None} if wanted else {}))


def start_tag(tag: str, attributes: Attributes) -> str:
    pairs = [
        name if value is None else f'{name}="{escape(value)}"' for name, value in attributes.items()
    ]
    return f"<{' '.join([tag, *pairs])}>"
