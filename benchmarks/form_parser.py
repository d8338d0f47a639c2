"""Reads the fields of a form from a page as a browser would send them unchanged."""

from html.parser import HTMLParser

Fields = list[tuple[str, str]]


class FormParser(HTMLParser):
    """Collects the fields of every form of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Fields] = []
        self.select = ""
        self.area = ""

    def handle_starttag(self, tag, attrs):
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append([])
        elif tag == "select":
            self.select = values.get("name", "")
        elif tag == "option" and self.select and "selected" in values:
            self.add(self.select, values.get("value", ""))
        elif tag == "textarea":
            self.area = values.get("name", "")
            self.add(self.area, "")
        elif tag == "input" and is_sent(values):
            self.add(values.get("name", ""), values.get("value", ""))

    def handle_endtag(self, tag):
        if tag == "select":
            self.select = ""
        elif tag == "textarea":
            self.area = ""

    def handle_data(self, data):
        if self.area:
            self.forms[-1][-1] = (self.area, data.removeprefix("\n"))

    def add(self, name: str, value: str) -> None:
        if name and self.forms:
            self.forms[-1].append((name, value))


def is_sent(values: dict[str, str]) -> bool:
    """Returns whether a browser would send this input with the form."""
    kind = values.get("type", "text")
    if kind in ("checkbox", "radio"):
        return "checked" in values
    return kind not in ("submit", "button", "file")


def form_with(field: str, page: str) -> Fields:
    """Returns the fields of the form that has `field`. Raises LookupError without one."""
    parser = FormParser()
    parser.feed(page)
    for fields in parser.forms:
        if any(name == field for name, _ in fields):
            return fields
    raise LookupError(f"The page has no form with {field}.")
