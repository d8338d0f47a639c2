"""Puts what someone typed back into the form of a page that was built anew.

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
TICKED_TYPES = ("checkbox", "radio")
Attributes = dict[str, str]


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
    """Copies a page, but for the values of one form.

    Everything outside of that form, and every tag in it that is no control, is written as it was
    read. `found`: whether the page has the form. `in_form`, `in_textarea` and `select` say where
    the parser is: inside the form, inside a textarea whose old text is dropped, and inside the
    select of that name.
    """

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
        attributes = {name: value or "" for name, value in attrs}
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
        if self.found:
            return False
        method = attributes.get("method", "")
        return method.lower() == "post" and attributes.get("action") == self.action

    def filled_control(self, tag: str, attributes: Attributes, text: str) -> str:
        """Returns the start tag with what was typed; `text` where there is nothing to fill in."""
        if tag == "option" and self.select:
            chosen = attributes.get("value", "") in self.values(self.select)
            return marked_tag(tag, attributes, "selected", chosen)
        name = attributes.get("name", "")
        if not name or name == TOKEN_NAME or is_secret(name):
            return text
        if "disabled" in attributes:
            return text
        if tag == "input":
            return self.filled_input(name, attributes, text)
        if name not in self.typed:
            return text
        if tag == "select":
            self.select = name
        if tag == "textarea":
            self.in_textarea = True
            # A browser leaves out the first line break.
            text += "\n" + escape(self.value(name))
        return text

    def filled_input(self, name: str, attributes: Attributes, text: str) -> str:
        """Returns the start tag of an input with what was typed or ticked.

        A box that was not sent is one that nobody ticked.
        """
        kind = attributes.get("type", "text").lower()
        if kind in TICKED_TYPES:
            ticked = attributes.get("value", "on") in self.values(name)
            return marked_tag("input", attributes, "checked", ticked)
        if kind in SECRET_TYPES or name not in self.typed:
            return text
        attributes["value"] = self.value(name)
        return start_tag("input", attributes)

    def value(self, name: str) -> str:
        return str(self.typed[name])

    def values(self, name: str) -> list[str]:
        return [str(value) for value in self.typed.getlist(name)]


def marked_tag(tag: str, attributes: Attributes, mark: str, wanted: bool) -> str:
    """Returns the start tag with or without the attribute `mark`."""
    attributes.pop(mark, None)
    if wanted:
        attributes[mark] = ""
    return start_tag(tag, attributes)


def start_tag(tag: str, attributes: Attributes) -> str:
    written = tag
    for name, value in attributes.items():
        written += f' {name}="{escape(value)}"'
    return f"<{written}>"
