"""The report of an evaluation: one self-contained HTML page, PNG plots, and the main figures as Markdown."""

from patchclip.evaluate.report.markdown import markdown
from patchclip.evaluate.report.page import write_report
from patchclip.evaluate.report.png import write_plots

__all__ = ["markdown", "write_plots", "write_report"]
