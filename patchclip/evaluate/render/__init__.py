"""A report for readers: one self-contained HTML page, PNG plots, and the main figures as Markdown.

- `words`: figures with their intervals as text, names of methods and findings, the headline.
- `markdown`: figures.md, which a model card and a README quote.
- `plots`: interactive plots; `png`: the same as pictures; `gallery`: hits, misses and false alarms as images.
- `page`: report.html from all of them, with the template beside it.
"""

from patchclip.evaluate.render.markdown import markdown
from patchclip.evaluate.render.page import write_report
from patchclip.evaluate.render.png import write_plots

__all__ = ["markdown", "write_plots", "write_report"]
