"""Builds workbooks and archives for tests, also ones that no spreadsheet would write."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CONTENT_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="application/'
    'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>'
)
# Cell style 1 is a date.
STYLES = (
    f"<styleSheet {NAMESPACE}><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/></cellXfs></styleSheet>"
)


def make_zip(members: dict[str, str | bytes]) -> bytes:
    """Returns a ZIP archive with these files."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return content.getvalue()


def make_workbook(sheets: dict[str, str], *, strings: str = "", hidden: str = "") -> bytes:
    """Returns a workbook. `sheets` has the XML of the rows by the names of the sheets."""
    links = ""
    entries = ""
    members: dict[str, str | bytes] = {}
    for number, (name, rows) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name == hidden else ""
        entries += f'<sheet name="{name}" sheetId="{number}" r:id="s{number}"{state}/>'
        links += link(f"s{number}", "worksheet", f"worksheets/sheet{number}.xml")
        sheet = f"<worksheet {NAMESPACE}><sheetData>{rows}</sheetData></worksheet>"
        members[f"xl/worksheets/sheet{number}.xml"] = sheet
    links += link("styles", "styles", "styles.xml")
    if strings:
        links += link("strings", "sharedStrings", "sharedStrings.xml")
        members["xl/sharedStrings.xml"] = f"<sst {NAMESPACE}>{strings}</sst>"
    workbook = f'<workbook {NAMESPACE} xmlns:r="{RELATIONS}"><sheets>{entries}</sheets></workbook>'
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    members |= {
        "[Content_Types].xml": CONTENT_TYPES,
        "xl/workbook.xml": workbook,
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">{links}</Relationships>',
        "xl/styles.xml": STYLES,
    }
    return make_zip(members)


def link(key: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{key}" Type="{RELATIONS}/{kind}" Target="{target}"/>'


def text_row(*cells: str) -> str:
    """Returns the XML of a row of texts."""
    inner = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in cells)
    return f"<row>{inner}</row>"
