"""Reports are cut down to what describes the image."""

from __future__ import annotations

from trainer.data.reports import findings_and_impression

REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough: pneumonia?

 COMPARISON:  ___

 FINDINGS:

 The heart is normal.
 Note: no effusion.

 IMPRESSION:

 No acute process.

 NOTIFICATION:  Told to Dr. ___.
"""


def test_findings_and_impression_remain() -> None:
    assert findings_and_impression(REPORT) == "The heart is normal. Note: no effusion. No acute process."


def test_a_joint_heading_counts_and_a_report_without_one_says_nothing() -> None:
    assert (
        findings_and_impression("HISTORY: cough\nFINDINGS AND IMPRESSION: Clear lungs.\n") == "Clear lungs."
    )
    assert findings_and_impression("WET READ: clear lungs.\n") is None
    assert findings_and_impression("FINDINGS:\n\nCOMPARISON: none\n") is None
