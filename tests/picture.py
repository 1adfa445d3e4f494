"""The console's screen as a picture."""

from __future__ import annotations

import re

from textual.app import App

_WEB_FONTS = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


def picture(app: App[object], title: str = "sidetone") -> str:
    """SVG that loads nothing from elsewhere."""
    return _WEB_FONTS.sub("", app.export_screenshot(title=title))
