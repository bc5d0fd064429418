"""Radiographs of a DICOMweb archive (PS3.18): found, fetched, and results stored beside them."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from patchclip.errors import PatchClipError

T = TypeVar("T")

# Both quote addresses, in which UIDs and accession numbers stand.
for library in ("dicomweb_client", "urllib3"):
    logging.getLogger(library).setLevel(logging.CRITICAL)

TOKEN = "PATCHCLIP_DICOMWEB_TOKEN"
"""Environment variable with a bearer token; a user and password may stand in the address instead."""

PROJECTION_MODALITIES = ("DX", "CR", "DR", "RG", "RF", "OT", "SC")
"""What radiographs are filed under; secondary captures too, since films are scanned."""

TIMEOUT_S = 60.0


class ArchiveError(PatchClipError):
    """The archive cannot be reached, or does not do what was asked."""


class NoRadiographError(ArchiveError):
    """The archive holds a study, or none, in which there is no projection image."""


@dataclass(frozen=True, slots=True)
class Film:
    """One image of an archive, by what is needed to fetch it."""

    study_uid: str
    series_uid: str
    instance_uid: str
    modality: str


@dataclass(frozen=True, slots=True)
class StudyCriteria:
    """What studies are looked for by, "" for what does not matter; no patient's name or number among it.

    Attributes:
        uid: Study Instance UID.
        accession: Accession Number.
        date: Study Date as DICOM has it, "20260102".
        modality: one of those in the study.
    """

    uid: str = ""
    accession: str = ""
    date: str = ""
    modality: str = ""


@dataclass(frozen=True, slots=True)
class ArchivedStudy:
    """A study of an archive, by what a reader tells it by; "" where the archive does not say."""

    uid: str
    date: str
    time: str
    description: str
    modalities: tuple[str, ...]


class _Session(requests.Session):
    """Asks the archive itself and nobody else, each time with a limit.

    No proxy that happens to be set gets a patient's films, and no redirection leads elsewhere.
    """

    def __init__(self, archive: str) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["Connection"] = "close"  # an archive is asked now and then; no socket waits for that
        self._archive = archive
        self.request = partial(self.request, timeout=TIMEOUT_S)  # type: ignore[method-assign]

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        if resp.is_redirect:
            resp.close()
            raise ArchiveError(
                f"The archive {self._archive} sends its visitors to another address; give that one instead."
            )
        return None


class Archive:
    """A DICOMweb service.

    Args:
        url: its root, e.g. "http://archive:8042/dicom-web"; user and password may stand in it. Without them
            the bearer token is sent, if there is one.
        token: a bearer token; by default the one of the environment variable `PATCHCLIP_DICOMWEB_TOKEN`.

    Raises:
        ArchiveError: the address is none of http or https.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ArchiveError(
                f"{_without_password(url)} is no address of a DICOMweb archive; "
                "it begins with http:// or https://."
            )
        self.url = _without_password(url).rstrip("/")
        session = _Session(self.url)
        token = token or os.environ.get(TOKEN)
        if parts.username:
            session.auth = (parts.username, parts.password or "")
        elif token:
            session.headers["Authorization"] = f"Bearer {token}"
        self._client = DICOMwebClient(self.url, session=session)
        self._client.set_http_retry_params(max_attempts=2, wait_exponential_multiplier=100)

    def search(self, criteria: StudyCriteria, limit: int, offset: int = 0) -> list[ArchivedStudy]:
        """Studies that meet all criteria, newest first, `limit` of them at most, after the first `offset` in
        the archive's own order.

        Raises:
            ArchiveError: see `ArchiveError`; or no criterion is given, which would list the whole archive.
        """
        filters = {
            "StudyInstanceUID": criteria.uid,
            "AccessionNumber": criteria.accession,
            "StudyDate": criteria.date,
            "ModalitiesInStudy": criteria.modality,
        }
        given = {name: value for name, value in filters.items() if value}
        if not given:
            raise ArchiveError("Name a study UID, an accession number, a date or a modality to look for.")
        rows = self._ask(
            lambda: self._client.search_for_studies(
                limit=limit,
                offset=offset,
                fields=["StudyDescription", "ModalitiesInStudy"],
                search_filters=given,
            ),
            "find studies",
        )
        studies = self._ask(lambda: [_study_of(Dataset.from_json(row)) for row in rows], "find studies")
        return sorted(studies, key=lambda study: (study.date, study.time), reverse=True)

    def find(self, study_uid: str) -> list[Film]:
        """The projection images of a study, in the order of their series and instance numbers.

        Raises:
            ArchiveError: see `ArchiveError`; a `NoRadiographError` where the study has none. Its words hold
                no UID, which would lead to a patient.
        """
        rows = self._ask(
            lambda: self._client.search_for_instances(
                study_instance_uid=study_uid, fields=["SeriesNumber", "InstanceNumber", "Modality"]
            ),
            "find the study",
        )
        films = _films_of([Dataset.from_json(row) for row in rows], study_uid)
        if not films:
            raise NoRadiographError(
                f"This study has no radiograph in the archive {self.url}; check the study's UID."
            )
        return films

    def find_by_uid(self, uid: str) -> list[Film]:
        """The projection images of a series, in the order of their instance numbers; or one, by its own UID.

        Raises:
            ArchiveError: see `ArchiveError`; or there is none.
        """
        for keyword in ("SeriesInstanceUID", "SOPInstanceUID"):
            given = {keyword: uid}
            rows = self._ask(
                lambda given=given: self._client.search_for_instances(  # type: ignore[misc]
                    fields=["StudyInstanceUID", "InstanceNumber", "Modality"], search_filters=given
                ),
                "find a film",
            )
            films = _films_of([Dataset.from_json(row) for row in rows])
            if films:
                return films
        raise ArchiveError(f"The archive {self.url} has no radiograph by this UID; check it.")

    def fetch(self, film: Film) -> bytes:
        """A film as a DICOM file, in the transfer syntax that the archive holds.

        Raises:
            ArchiveError: see `ArchiveError`.
        """
        dataset = self._ask(
            lambda: self._client.retrieve_instance(
                film.study_uid, film.series_uid, film.instance_uid, media_types=(("application/dicom", "*"),)
            ),
            "fetch a film",
        )
        content = io.BytesIO()
        dataset.save_as(content, enforce_file_format=True)
        return content.getvalue()

    def store(self, results: Sequence[Dataset]) -> None:
        """Stores result objects.

        Raises:
            ArchiveError: see `ArchiveError`; or the archive refuses one.
        """
        answer = self._ask(lambda: self._client.store_instances(results), "store the results")
        refused = answer.get("FailedSOPSequence")
        if refused:
            reason = int(refused[0].get("FailureReason", 0))
            raise ArchiveError(
                f"The archive {self.url} refused {len(refused)} of {len(results)} results "
                f"(reason {reason:#06x}); see its log."
            )

    def require(self, study_uid: str, instance_uid: str) -> None:
        """Makes sure that the archive holds an image, so that results have something to lie beside.

        Raises:
            ArchiveError: see `ArchiveError`; or it holds no such image.
        """
        found = self._ask(
            lambda: self._client.search_for_instances(
                study_instance_uid=study_uid, search_filters={"SOPInstanceUID": instance_uid}
            ),
            "find the film",
        )
        if not found:
            raise ArchiveError(
                f"The archive {self.url} does not hold this film, so results would have nothing to lie "
                "beside; send the film there first."
            )

    def _ask(self, request: Callable[[], T], purpose: str) -> T:
        try:
            return request()
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            hint = {
                401: "check user and password",
                403: "check what this user may do",
                404: "check the address and the UID",
            }
            raise ArchiveError(
                f"The archive {self.url} would not {purpose} (HTTP {status}); "
                f"{hint.get(status, 'see its log')}."
            ) from error
        except requests.RequestException as error:
            raise ArchiveError(
                f"The archive {self.url} cannot be reached to {purpose} "
                f"({type(error).__name__}); check address and network."
            ) from error
        except (
            ValueError,
            KeyError,
            AttributeError,
        ) as error:  # what dicomweb-client makes of answers that are no DICOMweb
            raise ArchiveError(
                f"What {self.url} answered is no DICOMweb, so it could not {purpose}; check the address."
            ) from error


def _films_of(rows: Sequence[Dataset], study_uid: str = "") -> list[Film]:
    """Those that are projection images, in their order; `study_uid` where the rows need not say it."""
    films = [item for item in rows if str(item.get("Modality", "")) in PROJECTION_MODALITIES]
    films.sort(key=lambda item: (int(item.get("SeriesNumber") or 0), int(item.get("InstanceNumber") or 0)))
    return [
        Film(
            study_uid or str(item.StudyInstanceUID),
            str(item.SeriesInstanceUID),
            str(item.SOPInstanceUID),
            str(item.Modality),
        )
        for item in films
    ]


def _study_of(row: Dataset) -> ArchivedStudy:
    modalities = row.get("ModalitiesInStudy") or []
    return ArchivedStudy(
        uid=str(row.StudyInstanceUID),
        date=str(row.get("StudyDate") or ""),
        time=str(row.get("StudyTime") or ""),
        description=str(row.get("StudyDescription") or ""),
        modalities=(modalities,) if isinstance(modalities, str) else tuple(str(name) for name in modalities),
    )


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
