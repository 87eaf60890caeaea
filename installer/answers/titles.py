"""What the sections of the answers are called, on screens, in lines and in the answers file."""

from __future__ import annotations

SECTION_TITLES = {
    "installation": "Installation",
    "oracle": "Oracle account",
    "place": "Region and compartment",
    "cluster": "Cluster",
    "access": "Domain and e-mail",
    "backups": "Backups",
    "images": "Images and registry",
    "secrets": "Secrets",
    "modules": "Modules",
    "money": "Money",
}
# What a file has to say at once about a section, since nobody reads a help text in it.
_MORE_IN_A_FILE = {"secrets": "where each comes from, never the secret itself"}


def section_title(section: str) -> str:
    """The heading of a section; a section that has none is called by its own name."""
    return SECTION_TITLES.get(section, section)


def file_heading(section: str) -> str:
    """The heading of a section in an answers file."""
    more = _MORE_IN_A_FILE.get(section)
    return f"{section_title(section)}: {more}" if more else section_title(section)
