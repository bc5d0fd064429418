"""Word lists and normalisation for reading a radiologist's query; English, American and British."""

from __future__ import annotations

import re
import unicodedata

NEGATIONS = frozenset({"no", "not", "without", "absent", "absence", "negative", "free", "denies", "lack", "lacks", "lacking", "nothing", "never",
                       "none", "nil", "excluded", "resolved", "unlikely", "isnt", "arent", "doesnt", "dont", "wasnt", "hasnt", "havent", "cannot", "cant"})  # fmt: skip
"""Words that turn a finding round; "free" only where it is "free of" or "free from"."""

TRAILING = frozenset(
    {
        "not",
        "absent",
        "negative",
        "excluded",
        "resolved",
        "unlikely",
        "none",
        "nil",
        "isnt",
        "arent",
        "wasnt",
        "no",
        "out",
        "cannot",
        "cant",
    }
)
"""Those that may stand after the finding: "effusion is absent", "effusion: none", "pneumothorax ruled out"."""

SIDES = {"left": "left", "lt": "left", "lefthand": "left", "leftsided": "left", "right": "right", "rt": "right", "righthand": "right",
         "rightsided": "right"}  # fmt: skip
BOTH = frozenset({"bilateral", "bilaterally", "both", "bibasal", "either"})

FILLERS = frozenset(
    """
a an the there is are was were be been being any some of in on at to for from with and or it its this that these those i you we he she
they me my do does did can could would should will may might has have had show shows showing see seen seeing find finding findings look
looks looking check tell please if whether what where which how who patient chest xray x ray film image radiograph picture scan study
view views today here evidence sign signs suspected suspicion suspicious suspect possible possibly probable probably likely definite
acute chronic new old small large mild moderate severe minimal tiny subtle trace moderate-sized sided side consistent compatible
suggestive suggesting suggests visible identified detected noted demonstrated present presence appears appear seems seem also still as
by hand zone field area region about ruled rule out query question suffer suffers suffering got get other after
""".split()
)

FOREIGN = frozenset(
    """
femur femoral tibia tibial fibula humerus humeral radius ulna wrist ankle knee hip elbow finger thumb toe foot hand leg arm skull brain
cerebral intracranial head sinus jaw tooth teeth dental mandible orbit eye ear nose kidney renal liver hepatic spleen splenic
gallbladder biliary bladder prostate uterus uterine ovary ovarian breast testis testicular thyroid pancreas pancreatic colon colonic
rectal rectum appendix appendiceal stomach gastric bowel intestinal abdomen abdominal pelvis pelvic lumbar cervical sacral sacrum coccyx
inguinal umbilical scrotal skin muscle joint meniscal ligament tendon carotid popliteal knee's patella patellar metacarpal metatarsal
calcaneus phalanx macular retinal pericardial facial nasal achilles acetabular acetabulum shin calf thigh forearm disc plantar bunion
scaphoid cochlear spinal subdural epidural car dog cat windshield engine tyre tire bicycle phone screen laptop window ice
adrenal pituitary cerebellum cerebellar hippocampus meninges meningeal scalp eyelid cornea corneal retina optic eardrum nostril lip tongue
gum tonsil tonsillar larynx laryngeal pharynx pharyngeal parotid salivary throat ureter ureteric urethra urethral vagina vaginal vulva penis
penile cervix endometrial endometrium placenta fetal fetus foetus embryo duodenum duodenal jejunum ileum ileal caecum cecum sigmoid anus anal
buttock groin heel chin cheek eyebrow eyelash knuckle malleolus olecranon talus cuboid acl pcl labrum labral meniscus tibiofibular metacarpus fingernail toenail
nail hair sacroiliac ilium ischium pubic pubis perineum
""".split()
)
"""Words of another part of the body, or of none: they outweigh any finding named beside them."""

GENERIC = frozenset(
    """
broken fracture fractured fx mass nodule nodular nodularity tumor neoplasm neoplastic malignancy carcinoma cancer lesion density opacity opacified
shadow shadowing hazy haziness cloudiness scar scarring fibrosis fibrotic infection infectious edema edematous effusion hernia herniation
calcification calcified calcific calcinosis calcium collapse congestion infiltrate infiltration infiltrative metastasis metastase mets met
miliary cap pt hap vap hh hf bleb bulla adenocarcinoma
""".split()
)
"""Single words that name a finding of the chest only where nothing speaks of another place: "adrenal nodule", "broken chair"."""

CHEST = frozenset(
    """
lung pulmonary lobe lobar segmental subsegmental basal base basilar bibasilar apex apice apical biapical hilum hila hilar perihilar pleura
pleural subpleural thorax thoracic hemithorax cardiac heart cardiomediastinal mediastinum mediastinal diaphragm diaphragmatic hemidiaphragm
retrocardiac retrosternal costophrenic costochondral rib clavicle clavicular collarbone sternum sternal scapula scapular vertebra vertebral
parenchyma parenchymal airspace fissure lingula lingular midlung bronchus bronchial airway paratracheal azygos
""".split()
)
"""Words that put a finding into the chest."""

DESCRIBING = frozenset(
    """
upper lower middle mid midzone superior inferior peripheral central lateral medial anterior posterior segment interstitial alveolar
cm mm millimetre centimetre size single solitary multiple several few many another focal diffuse patchy dense round rounded ill well defined
circumscribed spiculated cavitating cavitary cavity irregular lobulated discrete vague subcentimetre bony osseous displaced undisplaced healing
healed lytic destructive soft tissue granulomatous benign malignant metastatic suspicious worrisome indeterminate obvious significant gross
stable unchanged change changed improved improving improvement worse worsening increasing increased decreasing decreased persistent residual
resolution resolving interval progression progressive recurrent developing again amount active obscured dislocation adenopathy lymphadenopathy
process destruction erosion structure represent tuberculosis appearing true pathologic history
""".split()
)
"""Words that describe a finding and put it nowhere."""

ALLOWED_FOREIGN = {
    ("stomach", "Hernia"),
    ("bowel", "Hernia"),
    ("gastric", "Hernia"),
    ("abdominal", "Hernia"),
    ("cervical", "Fracture"),
}
"""Pairs that do belong together: a hiatal hernia is a stomach in the chest."""

SPELLING = {"oedema": "edema", "oedematous": "edematous", "tumour": "tumor", "haemothorax": "hemothorax", "haemopneumothorax": "hemopneumothorax",
            "calcium": "calcium", "opacified": "opacified", "fibre": "fiber", "visualised": "visualized", "cardiomegally": "cardiomegaly",
            "pulm": "pulmonary", "pl": "pleural", "plr": "pleural", "eff": "effusion", "ca": "carcinoma", "consol": "consolidation",
            "bilat": "bilateral", "bil": "bilateral", "cxr": "xray", "fxs": "fracture", "opac": "opacity"}  # fmt: skip
"""British spelling, frequent misspellings and the abbreviations of reports."""


SLASHED = {"r/o": "rule out", "r/od": "ruled out", "r/oed": "ruled out", "w/o": "without", "w/out": "without", "w/": "with",
           "s/p": "after", "c/w": "consistent with", "s/o": "suggestive of", "h/o": "history of", "b/l": "bilateral", "l/r": "both",
           "r/l": "both"}  # fmt: skip
"""Abbreviations with a slash, in any case."""
_SLASHED = re.compile(r"(?<![\w/])(?:([rwschbl]) ?[/\\] ?(oe?d|out|[opwlr])(?!\w)|w ?[/\\])", re.IGNORECASE)


def tokens_of(text: str) -> list[str]:
    """Lower-case words without accents, punctuation or plural s."""
    plain = (
        unicodedata.normalize("NFKD", text)
        .encode("ascii", "ignore")
        .decode()
        .replace("'", "")
        .replace("’", "")
    )
    plain = _SLASHED.sub(_slashed_words, plain)  # before the sides: the R of "R/O" is none
    plain = re.sub(r"#(?!\d)", " fracture ", plain)  # as British notes write it
    spaced = re.sub(r"\b([LR])\b(?!-)|\b([LR])([UML])L\b", _side_words, plain)
    return [stem(word) for word in re.findall(r"[a-z0-9]+", spaced.lower())]


def _slashed_words(match: re.Match[str]) -> str:
    """Its words, where it is an abbreviation: "c/p" is none."""
    short = re.sub(r"[ \\/]+", "/", match.group().lower())
    return f" {SLASHED[short]} " if short in SLASHED else match.group()


def _side_words(match: re.Match[str]) -> str:
    """A lone capital L or R, and the lobes: "LLL pneumonia", "effusion (R)"."""
    side = "left" if (match.group(1) or match.group(2)) == "L" else "right"
    lobes = {"U": "upper", "M": "middle", "L": "lower"}
    return f"{side} {lobes[match.group(3)]} lobe" if match.group(3) else side


def stem(word: str) -> str:
    """One spelling, singular: "effusions" and "effusion" are one word, "mass", "fibrosis" and "hiatus" are left alone."""
    word = SPELLING.get(word, word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
