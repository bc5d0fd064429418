"""The colours of the pages that Gradio makes: the viewer's, dark whatever the system prefers."""

from __future__ import annotations

import gradio as gr

FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "DejaVu Sans", "sans-serif")
MONO = ("ui-monospace", "DejaVu Sans Mono", "monospace")
BACKGROUND, SURFACE, RAISED, LINE = "#0b0d10", "#14181d", "#1d232a", "#2b333c"
TEXT, QUIET, PLACEHOLDER = "#e6e9ed", "#9aa5b1", "#8b96a2"
ACCENT, ON_ACCENT = "#4fb3d9", "#06222d"
"""As `page/style.css` has them."""
COLOURS = {
    "background_fill_primary": BACKGROUND,
    "background_fill_secondary": SURFACE,
    "block_background_fill": SURFACE,
    "block_label_background_fill": SURFACE,
    "block_label_text_color": QUIET,
    "block_title_text_color": QUIET,
    "body_text_color": TEXT,
    "body_text_color_subdued": QUIET,
    "border_color_primary": LINE,
    "button_primary_background_fill": ACCENT,
    "button_primary_background_fill_hover": "#7cc7e4",
    "button_primary_border_color": ACCENT,
    "button_primary_text_color": ON_ACCENT,
    "button_secondary_background_fill": RAISED,
    "button_secondary_background_fill_hover": LINE,
    "button_secondary_border_color": LINE,
    "button_secondary_text_color": TEXT,
    "code_background_fill": RAISED,
    "color_accent_soft": LINE,
    "input_background_fill": RAISED,
    "input_border_color_focus": ACCENT,
    "input_placeholder_color": PLACEHOLDER,
    "link_text_color": ACCENT,
    "link_text_color_active": ACCENT,
    "link_text_color_hover": TEXT,
    "link_text_color_visited": ACCENT,
    "table_border_color": LINE,
    "table_even_background_fill": BACKGROUND,
    "table_odd_background_fill": SURFACE,
}


def dark_theme() -> gr.themes.Base:
    """A theme whose light half is its dark one, in the fonts of the system, since some of Gradio's hold a few
    letters only."""
    theme = gr.themes.Default(primary_hue="sky", font=FONTS, font_mono=MONO)
    dark = {name for name in vars(theme) if name.endswith("_dark") and vars(theme)[name] is not None}
    named = {name: vars(theme)[f"{name}_dark"] for name in (item.removesuffix("_dark") for item in dark)}
    same = named | COLOURS
    theme.set(color_accent=ACCENT, **same, **{f"{name}_dark": colour for name, colour in same.items()})
    return theme
