"""A C-STORE listener: films that an archive or a modality pushes (DICOM PS3.4 annex B), kept in memory
alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType

from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from patchclip.archive.dicomweb import ArchiveError

ALL_SYNTAXES = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
]
"""Transfer syntaxes that radiographs come in; a film is taken as it is, without conversion."""

SUCCESS, REFUSED, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
"""Statuses of C-STORE (PS3.4 B.2.3)."""

# The library's log quotes what senders send, which may name a patient.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

LARGEST = 512 * 2**20
"""Bytes of one film."""


class NoRoomError(ArchiveError):
    """There is no room for a film now; its sender may try again later."""


class Receiver:
    """Listens while it is open; each film is handed on as the bytes of a DICOM file, and forgotten.

    Args:
        take: called for each film, one at a time for each sender; an error that it raises is answered as a
            refusal, so that the sender knows that the film was not taken.
        host: address to listen on.
        port: 0 takes any free one.
        title: application entity title, 16 characters at most. A sender that calls another one is refused.
        senders: titles that may send; empty for all.

    Attributes:
        port: where it listens.

    Raises:
        ArchiveError: the port cannot be used.
    """

    def __init__(
        self,
        take: Callable[[bytes], None],
        *,
        host: str = "127.0.0.1",
        port: int = 11112,
        title: str = "PATCHCLIP",
        senders: tuple[str, ...] = (),
    ) -> None:
        self._take = take
        self._entity = AE(ae_title=title)
        self._entity.require_called_aet = True
        self._entity.require_calling_aet = list(senders)
        self._entity.maximum_associations = 4
        for context in AllStoragePresentationContexts:
            self._entity.add_supported_context(str(context.abstract_syntax), ALL_SYNTAXES)
        self._entity.add_supported_context(Verification)
        try:
            server = self._entity.start_server(
                (host, port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
            )
        except OSError as error:
            raise ArchiveError(
                f"Port {port} cannot be used for DICOM ({error.strerror}); choose another."
            ) from error

        assert server is not None  # with block=False there always is one
        self.port = int(server.server_address[1])

    def close(self) -> None:
        """Ends all associations and stops listening."""
        self._entity.shutdown()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _store(self, event: evt.Event) -> int:
        try:
            content = event.encoded_dataset()
        except (ValueError, AttributeError):
            return CANNOT_UNDERSTAND
        if len(content) > LARGEST:
            return REFUSED
        try:
            self._take(bytes(content))
        except NoRoomError:
            return REFUSED
        except (
            Exception
        ):  # whatever went wrong with one film, the sender must hear of it and the listener go on
            return CANNOT_UNDERSTAND
        return SUCCESS
