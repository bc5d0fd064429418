"""The report of an evaluation: one self-contained HTML page and PNG plots."""

from patchclip.evaluate.report.page import write_report
from patchclip.evaluate.report.png import write_plots

__all__ = ["write_plots", "write_report"]
