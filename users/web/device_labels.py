"""Labels devices by their User-Agent header, which the client may set to anything."""

import re

from ua_parser import parse_os, parse_user_agent

UNKNOWN = "Unknown device"
UNKNOWN_BROWSER = "Unknown browser"
# Characters of a name; some of the names come from the header.
NAME_MAX = 30
# Systems whose name in ua-parser is another one than people use.
SYSTEMS = {
    "Mac OS X": "macOS",
    "Chrome OS": "ChromeOS",
    "Ubuntu": "Linux",
    "Fedora": "Linux",
    "Debian": "Linux",
}
BROWSERS = {"HeadlessChrome": "Chrome", "Mobile Safari": "Safari", "IE": "Internet Explorer"}
# What ua-parser adds to the name of a browser on a phone.
VARIANT = re.compile(r" (?:Mobile|iOS|WebView|Mobile iOS|UI/WKWebView)$|^Mobile ")
# No browsers: what an app shows of the web, and HTTP libraries, which name themselves first.
EMBEDDED = "WKWebView"
APPLE_DEVICE = re.compile(r"\b(iPhone|iPad)\b")
TOOL = re.compile(r"([A-Za-z][A-Za-z0-9 ._-]{0,30}?)/(\d+)")


def device_label(user_agent: str) -> str:
    """Returns a label such as "Firefox 140 on Linux" or "curl 8"."""
    browser = browser_label(user_agent)
    system = system_label(user_agent)
    if system:
        return f"{browser or UNKNOWN_BROWSER} on {system}"
    tool = TOOL.match(user_agent)
    if tool and tool[1] != "Mozilla":
        return f"{tool[1]} {tool[2]}"
    return browser or UNKNOWN


def browser_label(user_agent: str) -> str:
    """Returns name and version of the browser, or ""."""
    found = parse_user_agent(user_agent)
    if found is None or EMBEDDED in found.family:
        return ""
    name = BROWSERS.get(found.family, found.family)
    name = VARIANT.sub("", name)[:NAME_MAX]
    return f"{name} {found.major[:6]}" if found.major else name


def system_label(user_agent: str) -> str:
    """Returns the name of the operating system, or of the device where people know it by that; ""
    if it is unknown.
    """
    found = parse_os(user_agent)
    if found is None:
        return ""
    if found.family == "iOS":
        device = APPLE_DEVICE.search(user_agent)
        return device[1] if device else "iOS"
    return SYSTEMS.get(found.family, found.family)[:NAME_MAX]
