"""A QIDO-RS query for studies (PS3.18 10.6), page by page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from patchclip.archive.dicomweb import Archive, ArchiveError, StudyCriteria
from patchclip.batch.units import Unit

PAGE = 500
FIELDS = {
    "StudyInstanceUID": "uid",
    "AccessionNumber": "accession",
    "StudyDate": "date",
    "ModalitiesInStudy": "modality",
}


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """Where studies are looked for, and by what."""

    url: str
    criteria: StudyCriteria


def query_of(address: str) -> StudyQuery:
    """A query from its address, "https://archive/dicom-web/studies?StudyDate=20260101-20260131".

    Raises:
        ArchiveError: it is none, or asks for what is not known here.
    """
    parts = urlsplit(address)
    root, slash, rest = parts.path.rstrip("/").rpartition("/studies")
    given = dict(parse_qsl(parts.query))
    unknown = sorted(set(given) - set(FIELDS))
    if not slash or rest or not given or unknown:
        reason = f"{unknown[0][:40]} is not known" if unknown else "it names no studies"
        raise ArchiveError(
            f"The address of a query ends in /studies?FIELD=VALUE with {', '.join(FIELDS)} ({reason}); "
            "write it so."
        )
    if (date := given.get("StudyDate")) and not re.fullmatch(r"\d{8}|\d{8}-(\d{8})?|-\d{8}", date):
        raise ArchiveError("StudyDate is a day such as 20260131, or a range such as 20260101-20260131.")
    criteria = StudyCriteria(**{FIELDS[name]: value for name, value in given.items()})
    return StudyQuery(urlunsplit((parts.scheme, parts.netloc, root, "", "")), criteria)


def studies_of(archive: Archive, criteria: StudyCriteria) -> Iterator[Unit]:
    """All studies that a query finds, each once, whatever the size of the archive's pages.

    Raises:
        ArchiveError: the archive cannot be asked.
    """
    seen: set[str] = set()
    offset = 0
    while True:
        page = archive.search(criteria, PAGE, offset)
        new = [study.uid for study in page if study.uid not in seen]
        seen.update(new)
        yield from (Unit(uid, "study", uid) for uid in new)
        # An archive that knows no offset sends its first page again.
        if not new:
            return
        offset += len(page)
