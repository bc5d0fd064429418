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
by hand zone field area region about ruled rule out query question suffer suffers suffering got get other
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
""".split()
)
"""Words of another part of the body, or of none: they outweigh any finding named beside them."""

ALLOWED_FOREIGN = {("stomach", "Hernia"), ("bowel", "Hernia"), ("gastric", "Hernia"), ("abdominal", "Hernia"), ("cervical", "Fracture")}
"""Pairs that do belong together: a hiatal hernia is a stomach in the chest."""

SPELLING = {"oedema": "edema", "oedematous": "edematous", "tumour": "tumor", "haemothorax": "hemothorax", "haemopneumothorax": "hemopneumothorax",
            "calcium": "calcium", "opacified": "opacified", "fibre": "fiber", "visualised": "visualized", "cardiomegally": "cardiomegaly"}  # fmt: skip


def tokens_of(text: str) -> list[str]:
    """Lower-case words without accents, punctuation or plural s."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().replace("'", "").replace("’", "")
    spaced = re.sub(r"\b([LR])\b(?!-)|\b([LR])([UML])L\b", _side_words, plain)
    return [stem(word) for word in re.findall(r"[a-z0-9]+", spaced.lower())]


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
