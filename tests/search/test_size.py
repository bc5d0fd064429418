"""Words of size in the languages that are read: a search orders its hits by them, whatever their ending."""

from __future__ import annotations

import pytest

from patchclip import Engine
from patchclip.search.size import left_over, size_of, unused_words
from tests.tiny import tiny_checkpoint

LARGE = """
Pneumothorax, links, groß: groß
Pneumothorax, links, gross: gross
großer Pneumothorax: großer
grosse Verschattung rechts: grosse
größerer Pleuraerguss: größerer
großvolumiger Pleuraerguss: großvolumiger
großflächige Konsolidierung: großflächige
riesiger Erguss: riesiger
massiver Erguss: massiver
ausgedehnte Verschattung: ausgedehnte
grand pneumothorax: grand
gros épanchement pleural: gros
grosse opacité: grosse
énorme épanchement: énorme
volumineuse masse: volumineuse
épanchement massif: massif
épanchement pleural de grande abondance: de grande abondance
opacité étendue: étendue
derrame pleural grande: grande
gran derrame pleural: gran
derrame pleural importante: importante
derrame pleural masivo: masivo
neumotórax enorme: enorme
consolidación extensa: extensa
grande versamento pleurico: grande
versamento pleurico abbondante: abbondante
ampio pneumotorace: ampio
voluminosa massa: voluminosa
consolidazione estesa: estesa
derrame pleural volumoso: volumoso
derrame pleural maciço à esquerda: maciço
pneumotórax extenso: extenso
grote pneumothorax: grote
fors pleuravocht: fors
massief pleuravocht: massief
ruime hoeveelheid pleuravocht: ruime hoeveelheid
enorme pneumothorax links: enorme
"""
SMALL = """
kleiner Pneumothorax: kleiner
winziger Pneumothorax: winziger
minimaler Pleuraerguss: minimaler
geringer Erguss: geringer
petit pneumothorax: petit
minuscule nodule: minuscule
épanchement de faible abondance: de faible abondance
pequeño derrame pleural: pequeño
derrame pleural escaso: escaso
neumotórax diminuto: diminuto
piccolo pneumotorace: piccolo
minuscolo nodulo: minuscolo
versamento pleurico di piccola entità: di piccola entità
pequeno derrame pleural: pequeno
pneumotórax minúsculo: minúsculo
kleine pneumothorax: kleine
piepkleine pneumothorax: piepkleine
geringe hoeveelheid pleuravocht: geringe hoeveelheid
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Of a tiny model: texts are read without an image."""
    return Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("size")), device="cpu")


def rows(table: str) -> list[tuple[str, str]]:
    """Text and word of each line."""
    return [(text, word) for text, word in (line.rsplit(": ", 1) for line in table.strip().splitlines())]


@pytest.mark.parametrize(
    ("text", "word", "wanted"),
    [(*row, "large") for row in rows(LARGE)] + [(*row, "small") for row in rows(SMALL)],
)
def test_a_size_is_read_in_every_language(engine: Engine, text: str, word: str, wanted: str) -> None:
    left, questions = left_over(engine, text), engine.understand(text)

    size = size_of(text, left, questions)

    assert size is not None and size.wanted == wanted and size.words == (word,)
    assert unused_words(text, left, size) == ()
    assert questions[0].query.label is not None


@pytest.mark.parametrize(
    ("text", "unused"),
    [
        ("kein großer Pleuraerguss", ("großer",)),
        ("kleiner bis großer Erguss", ("kleiner", "bis", "großer")),
        ("großer Erguss und kleiner Pneumothorax", ("großer", "kleiner")),
        ("pas d'épanchement abondant", ("abondant",)),
        ("sin derrame importante", ("importante",)),
        ("sem derrame volumoso", ("volumoso",)),
        ("nessun versamento cospicuo", ("cospicuo",)),
        ("geen massief pleuravocht", ("massief",)),
    ],
)
def test_a_size_of_an_absence_or_of_several_findings_is_not_used(
    engine: Engine, text: str, unused: tuple[str, ...]
) -> None:
    left, questions = left_over(engine, text), engine.understand(text)

    assert size_of(text, left, questions) is None
    assert unused_words(text, left, None) == unused


@pytest.mark.parametrize("text", ["Herz groß", "großes Herz", "gros cœur", "corazón grande", "groot hart"])
def test_a_large_heart_is_a_finding_and_no_size(engine: Engine, text: str) -> None:
    questions = engine.understand(text)

    assert size_of(text, left_over(engine, text), questions) is None
    assert [(item.query.label, item.query.negated) for item in questions] == [("Cardiomegaly", False)]
