"""Radiographs of a DICOMweb archive (PS3.18): found, fetched, and results stored beside them."""

from __future__ import annotations

import io
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

TOKEN = "PATCHCLIP_DICOMWEB_TOKEN"
"""Environment variable with a bearer token; a user and password may stand in the address instead."""

PROJECTION_MODALITIES = ("DX", "CR", "DR", "RG", "RF", "OT", "SC")
"""What radiographs are filed under; secondary captures too, since films are scanned."""

TIMEOUT_S = 60.0


class ArchiveError(PatchClipError):
    """The archive cannot be reached, or does not do what was asked."""


@dataclass(frozen=True, slots=True)
class Film:
    """One image of an archive, by what is needed to fetch it."""

    study_uid: str
    series_uid: str
    instance_uid: str
    modality: str


class Archive:
    """A DICOMweb service.

    Args:
        url: its root, e.g. "http://archive:8042/dicom-web"; user and password may stand in it. Without them
            the bearer token of the environment variable `PATCHCLIP_DICOMWEB_TOKEN` is sent, if there is one.

    Raises:
        ArchiveError: the address is none of http or https.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ArchiveError(
                f"{_without_password(url)} is no address of a DICOMweb archive; it begins with http:// or https://."
            )
        session = requests.Session()
        session.trust_env = (
            False  # patients' films go to the named archive, never to a proxy that happens to be set
        )
        session.request = partial(session.request, timeout=TIMEOUT_S)  # type: ignore[method-assign]
        if parts.username:
            session.auth = (parts.username, parts.password or "")
        elif os.environ.get(TOKEN):
            session.headers["Authorization"] = f"Bearer {os.environ[TOKEN]}"
        self.url = _without_password(url).rstrip("/")
        self._client = DICOMwebClient(self.url, session=session)
        self._client.set_http_retry_params(max_attempts=2, wait_exponential_multiplier=100)

    def find(self, study_uid: str) -> list[Film]:
        """The projection images of a study, in the order of their series and instance numbers.

        Raises:
            ArchiveError: see `ArchiveError`; or the study has none.
        """
        rows = self._ask(
            lambda: self._client.search_for_instances(
                study_instance_uid=study_uid, fields=["SeriesNumber", "InstanceNumber", "Modality"]
            ),
            f"find study {study_uid}",
        )
        found = [Dataset.from_json(row) for row in rows]
        films = [item for item in found if str(item.get("Modality", "")) in PROJECTION_MODALITIES]
        if not films:
            raise ArchiveError(
                f"Study {study_uid} has no radiograph in the archive {self.url}; check the study's UID."
            )
        films.sort(
            key=lambda item: (int(item.get("SeriesNumber") or 0), int(item.get("InstanceNumber") or 0))
        )
        return [
            Film(study_uid, str(item.SeriesInstanceUID), str(item.SOPInstanceUID), str(item.Modality))
            for item in films
        ]

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


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
