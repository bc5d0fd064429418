"""Where the insights page and the endpoints get a study from: the database, and the files of its cases."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from sqlalchemy import Engine as Database
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.insights.consensus import Decision, decisions
from app.insights.figures import StudyFigures, figures
from app.insights.opinions import InsightsError, Readings
from app.store.study_models import StudyCase
from app.store.writing import SameFile, reading
from app.study.cases import Place
from app.study.data import StudyData
from app.study.loading import study_data
from app.study.studies import Studies, StudySummary, study_row
from patchclip import Radiograph

REMEMBERED = 4  # studies whose figures are kept; they are computed anew as soon as a reading is saved


class Source:
    """All that insights take from a deployment.

    database: a migrated one, whose file must stay the same one.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._file = SameFile(database)
        self._figures: dict[int, tuple[StudyData, StudyFigures]] = {}
        self._lock = Lock()

    def studies(self) -> list[StudySummary]:
        """All reader studies, in the order they were made in.

        Raises:
            StoreError: the database cannot be read.
        """
        return Studies(self.database).summaries()

    def readings(self, study: int) -> Readings:
        """A study's readings as they are now.

        Raises:
            NoStudyError: there is none of that number.
            StoreError: the database cannot be read.
        """
        return Readings(study_data(self.database, study))

    def figures(self, study: int, data: StudyData) -> StudyFigures:
        """Of these records; computed once for as long as they stay the same."""
        with self._lock:
            remembered = self._figures.get(study)
        if remembered is not None and remembered[0] == data:
            return remembered[1]
        computed = figures(data)
        with self._lock:
            self._figures.pop(study, None)
            self._figures[study] = (data, computed)
            while len(self._figures) > REMEMBERED:
                self._figures.pop(next(iter(self._figures)))
        return computed

    def decisions(self, study: int) -> list[Decision]:
        """What was decided of disagreements, the newest revision of each."""
        return decisions(self.database, study)

    def sizes(self, study: int) -> dict[int, tuple[int, int]]:
        """Case -> (height, width) in pixels."""
        with reading(self.database, self._file) as session:
            rows = session.execute(
                select(StudyCase.number, StudyCase.image_height, StudyCase.image_width).where(
                    StudyCase.study_id == study
                )
            )
            return {number: (height, width) for number, height, width in rows}

    def film(self, study: int, case: int) -> Radiograph:
        """A case's film, decoded in a process of its own.

        Raises:
            NoStudyError, InsightsError: there is no such study, or no such case in it.
            RadiographError: its file cannot be read.
        """
        with reading(self.database, self._file) as session:
            folder = Path(study_row(session, study).folder or "")
            row = _case(session, study, case)
            place, sha256 = Place.from_dict(row.reference), row.image_sha256
        radiograph = place.load(folder)
        if radiograph.sha256 != sha256:
            raise InsightsError(
                f"The file of case {case} is another than when the study was made; put that one back."
            )
        return radiograph


def _case(session: Session, study: int, case: int) -> StudyCase:
    row = session.scalar(select(StudyCase).where(StudyCase.study_id == study, StudyCase.number == case))
    if row is None:
        raise InsightsError(f"The study has no case {case}; choose another number.")
    return row
