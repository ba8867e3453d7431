"""Links to imports in Rally's app, by a template of the operator's: Rally documents no such address."""

from urllib.parse import quote

PLACE = "{importId}"
"""What the id replaces in a template."""
LONGEST_TEMPLATE = 1_000


def link_to(template: str | None, import_id: str) -> str | None:
    """Return the link to an import, with the id percent-encoded; None without a template."""
    return None if template is None else template.replace(PLACE, quote(import_id, safe="", errors="replace"))
