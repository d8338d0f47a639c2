"""Parses responses into trees of elements, and forms into the values that a browser would send."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
}


@dataclass(slots=True, eq=False)
class Element:
    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)
    parent: "Element | None" = None
    # All elements of the page in document order, and the range of this one and its descendants.
    page: list["Element"] = field(default_factory=list, repr=False)
    start: int = 0
    end: int = 0

    def walk(self) -> list["Element"]:
        """Returns the element and its descendants in document order."""
        return self.page[self.start : self.end]

    def all(self, tag: str = "", **attributes: str) -> list["Element"]:
        """Returns the matching elements inside of this one.

        `class_` matches an element with these classes, `data_page` the attribute data-page.
        """
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        classes = set(wanted.pop("class", "").split())
        found = [element for element in self.walk() if tag in ("", element.tag)]
        if not wanted and not classes:
            return found
        return [element for element in found if element.matches(classes, wanted)]

    def one(self, tag: str = "", **attributes: str) -> "Element":
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]

    def matches(self, classes: set[str], attributes: dict[str, str]) -> bool:
        own = self.attributes
        if any(own.get(name) != value for name, value in attributes.items()):
            return False
        return classes <= set(own.get("class", "").split())

    @property
    def raw_text(self) -> str:
        return "".join(
            child if isinstance(child, str) else child.raw_text for child in self.children
        )

    @property
    def text(self) -> str:
        """Returns the text with white space collapsed, as a browser shows it."""
        return " ".join(self.raw_text.split())


class Reader(HTMLParser):
    """Builds the tree. Raises AssertionError for an end tag without its start tag, which browsers
    treat differently.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page: list[Element] = []
        self.root = self.at = self.append("", [])

    def updatepos(self, i: int, j: int) -> int:
        """Counts no lines, since nobody reads positions; that took a tenth of the time."""
        return j

    def append(self, tag: str, attrs: list[tuple[str, str | None]]) -> Element:
        """Returns a new element in the one that is open, without an end tag so far."""
        start = len(self.page)
        parent = self.at if start else None
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, [], parent, self.page, start, start + 1)
        self.page.append(element)
        if parent:
            parent.children.append(element)
        return element

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = self.append(tag, attrs)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.append(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        self.at.end = len(self.page)
        self.at = self.at.parent or self.root

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def read(response) -> Element:
    """Returns the tree of a response's HTML, which is parsed only once."""
    if hasattr(response, "element_tree"):
        return response.element_tree
    reader = Reader()
    reader.feed(response.content.decode())
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is never closed"
    reader.root.end = len(reader.page)
    response.element_tree = reader.root
    return reader.root


def form(response, action: str) -> dict[str, str | list[str]]:
    """Returns the values that the form with this `action` would send, without the CSRF token."""
    element = read(response).one("form", action=action, method="post")
    sent: dict[str, str | list[str]] = {}
    for control in element.walk():
        name = control.attributes.get("name", "")
        if (
            not name
            or name == "csrfmiddlewaretoken"
            or control.tag not in ("input", "select", "textarea")
        ):
            continue
        kind = control.attributes.get("type", "text")
        if kind == "radio":
            if "checked" in control.attributes:
                sent[name] = value_of(control)
        elif kind != "checkbox":
            sent[name] = value_of(control)
        elif "checked" in control.attributes:
            chosen = sent.setdefault(name, [])
            assert isinstance(chosen, list)
            chosen.append(control.attributes.get("value", "on"))
    return sent


def value_of(control: Element) -> str:
    if control.tag == "textarea":
        return control.raw_text.removeprefix("\n")
    if control.tag == "select":
        options = control.all("option")
        chosen = [option for option in options if "selected" in option.attributes] or options[:1]
        return chosen[0].attributes.get("value", chosen[0].text) if chosen else ""
    return control.attributes.get("value", "")
