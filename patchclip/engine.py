"""The engine: encode a radiograph once, then ask as many questions of it as one likes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from patchclip.encoded import Encoded, laterality_columns, only_laterality
from patchclip.errors import CheckpointError, RadiographError
from patchclip.image.gate import ImageGate
from patchclip.image.radiograph import Radiograph
from patchclip.localize import find_regions, smooth
from patchclip.model.checkpoint import Checkpoint, load_checkpoint
from patchclip.model.patchclip import ImageEmbeddings
from patchclip.model.preprocess import model_input
from patchclip.model.zero_shot import is_open_clip_name, load_open_clip
from patchclip.resources import BUNDLED
from patchclip.saliency import SaliencyTask, saliency_maps, saliency_method
from patchclip.saliency.task import image_logit
from patchclip.text.query import Query, parse_query
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import Answer, FloatArray, Laterality, PatchMap

LIT = 0.5  # calibration puts the operating point of every map here


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query made ready: what was understood, and the two ends of its prompt pair, each [D]."""

    query: Query
    label: str | None
    in_vocabulary: bool
    positive: Tensor
    negative: Tensor


class Engine:
    """A checkpoint ready to answer. One engine may serve many threads: it changes nothing but a cache of text embeddings."""

    def __init__(self, checkpoint: Checkpoint, device: str | None = None) -> None:
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.checkpoint = checkpoint
        self.model = checkpoint.model.to(self.device).eval()
        self.vocabulary: Vocabulary = checkpoint.vocabulary
        self.name = checkpoint.model.config.name
        self.sha256 = checkpoint.sha256
        if "query" not in checkpoint.gates:
            raise CheckpointError(
                "The checkpoint has no query gate; run python -m trainer calibrate on its run folder."
            )
        self._gate = QueryGate.from_dict(
            checkpoint.gates["query"], self.vocabulary, self.model.sentence_encoder
        )
        self._image_gate = (
            ImageGate.from_dict(checkpoint.gates["image"]) if "image" in checkpoint.gates else None
        )
        self._pairs: dict[str, tuple[Tensor, Tensor]] = {}

    @classmethod
    def from_pretrained(cls, path: str | Path | None = None, device: str | None = None) -> Engine:
        """The bundled checkpoint, one from a folder, or a published model of open_clip by name (see `load_open_clip`).

        Raises:
            CheckpointError: see `load_checkpoint` and `load_open_clip`.
        """
        if isinstance(path, str) and not Path(path).exists() and is_open_clip_name(path):
            return cls(load_open_clip(path, load_checkpoint(BUNDLED).vocabulary), device)
        return cls(load_checkpoint(Path(path) if path else BUNDLED), device)

    @property
    def min_patches(self) -> float:
        """Smallest region, in patches, of the checkpoint's operating point."""
        return self.checkpoint.calibration.min_patches

    @property
    def labels(self) -> tuple[str, ...]:
        """The findings that the model was trained on."""
        return tuple(self.vocabulary.labels)

    def prepare(self) -> None:
        """Loads the text encoder and embeds the prompts of every finding, so that the first query is as fast as any other."""
        for item in self.vocabulary.findings:
            self._prepare(item.name)

    def encode(self, radiograph: Radiograph) -> Encoded:
        """One pass through the tower; a picture that does not look like a frontal chest radiograph is encoded too, with a warning.

        Raises:
            RadiographError: the image is so long and narrow that no patch has its centre in it.
        """
        started = time.perf_counter()
        square, letterbox = model_input(radiograph.pixels, self.model.config.image_size)
        inside = letterbox.valid_patches(*self.model.grid)
        if not inside.any():
            height, width = radiograph.size
            raise RadiographError(
                f"The image is {width} x {height} pixels, too long and narrow to be searched; crop it to the chest."
            )
        unlike = self._image_gate.warnings(square) if self._image_gate else ()
        pixels = torch.from_numpy(square)[None, None].to(self.device)
        valid = torch.from_numpy(inside)[None].to(self.device)
        with torch.inference_mode():
            embeddings = self.model.encode_image(pixels, valid, mirror=self.checkpoint.calibration.mirror)
        return Encoded(
            embeddings=embeddings,
            pixels=pixels,
            letterbox=letterbox,
            facts=radiograph.facts,
            radiograph_sha256=radiograph.sha256,
            warnings=(
                *radiograph.warnings,
                *unlike,
                *([self.checkpoint.note] if self.checkpoint.note else []),
            ),
            timing_ms={"encode": (time.perf_counter() - started) * 1000},
        )

    def query(self, encoded: Encoded, texts: Sequence[str]) -> list[Answer]:
        """Answers each text, in order; all patches and all texts in one matrix product.

        Raises:
            QueryError: a text is empty or too long.
        """
        if not texts:
            return []
        asked = [self._prepare(text) for text in texts]
        positive = torch.stack([item.positive for item in asked])
        negative = torch.stack([item.negative for item in asked])
        branches = self.checkpoint.calibration.branches
        with torch.inference_mode():
            patch_logits = self.model.pair_logits(encoded.embeddings.patches, positive, negative)[0]
            image_logits = image_logit(self.model, encoded.embeddings, positive, negative, branches)[0]
        return [
            self._answer(encoded, item, patch_logits[:, k], float(image_logits[k]))
            for k, item in enumerate(asked)
        ]

    def saliency(self, encoded: Encoded, text: str, method: str = "grad_cam") -> PatchMap:
        """Relative saliency of the named finding (never of its absence), from the same logit as the probability.

        Args:
            encoded: from `encode`.
            text: as for `query`.
            method: a key of `patchclip.saliency.SALIENCY`.

        Raises:
            SaliencyError: the method is unknown, or cannot be applied to this tower.
            QueryError: see `query`.
        """
        return self.saliencies(encoded, [text], [method])[method][0]

    def saliencies(
        self, encoded: Encoded, texts: Sequence[str], methods: Sequence[str]
    ) -> dict[str, list[PatchMap]]:
        """Several methods on several queries, with as few passes through the tower as they allow.

        Returns:
            method -> one map a text, in order.

        Raises:
            SaliencyError, QueryError: see `saliency`.
        """
        for method in methods:
            saliency_method(method)
        if not texts:
            return {method: [] for method in methods}
        asked = [self._prepare(text) for text in texts]
        task = SaliencyTask(
            model=self.model,
            pixels=encoded.pixels.clone(),
            valid=encoded.embeddings.valid.unflatten(1, encoded.embeddings.grid).clone(),
            positive=torch.stack([item.positive for item in asked]),
            negative=torch.stack([item.negative for item in asked]),
            branches=self.checkpoint.calibration.branches,
            mirror=self.checkpoint.calibration.mirror,
            embeddings=encoded.embeddings,
        )
        found: dict[str, list[PatchMap]] = {}
        inside = task.valid[0].cpu().numpy()
        for method, maps in saliency_maps(task, methods).items():
            # Padding is no part of the image: it gets what the darkest patch has, and never a peak.
            crops = [
                encoded.letterbox.crop_grid(np.where(inside, values, values[inside].min()).astype(np.float32))
                for values in maps
            ]
            found[method] = [
                PatchMap(only_laterality(shown, item.query.laterality, encoded), shown.extent)
                for shown, item in zip(crops, asked, strict=True)
            ]
        return found

    def rescore(self, encoded: Encoded, pixels: FloatArray, text: str) -> FloatArray:
        """The probability that the query's finding is present on changed copies of an image's input, for tests of faithfulness.

        pixels float32 [N, S, S] in [0, 1], as `model_input` gives them -> float32 [N] in [0, 1], never turned round.
        """
        asked = self._prepare(text)
        calibration = self.checkpoint.calibration
        fitted = calibration.of(asked.label)
        valid = encoded.embeddings.valid.unflatten(1, encoded.embeddings.grid).expand(len(pixels), -1, -1)
        with torch.inference_mode():
            embeddings = self.model.encode_image(
                torch.from_numpy(pixels)[:, None].to(self.device), valid, mirror=calibration.mirror
            )
            logits = image_logit(
                self.model, embeddings, asked.positive[None], asked.negative[None], calibration.branches
            )
        values = fitted.image_scale * logits[:, 0].float().cpu().numpy() + fitted.image_bias
        return _sigmoid(np.asarray(values, np.float32))

    def _prepare(self, text: str) -> _Asked:
        query = parse_query(text, self.vocabulary)
        verdict = self._gate.judge(query)
        if query.label and not verdict.in_vocabulary:
            query = replace(query, finding=query.doubtful or query.finding, label=None)
        key = (
            f"label:{verdict.label}"
            if verdict.label == query.label and query.label
            else f"text:{query.finding}"
        )
        if key not in self._pairs:
            pair = (
                self.vocabulary.prompts(query.label)
                if query.label
                else self.vocabulary.free_prompts(query.finding)
            )
            with torch.inference_mode():
                sides = [
                    F.normalize(
                        self.model.project_text(self.model.encode_sentences(list(prompts))).mean(dim=0), dim=0
                    )
                    for prompts in (pair.positive, pair.negative)
                ]
            self._pairs[key] = (sides[0], sides[1])
        return _Asked(query, verdict.label, verdict.in_vocabulary, *self._pairs[key])

    def _answer(self, encoded: Encoded, asked: _Asked, patch_logits: Tensor, whole_logit: float) -> Answer:
        calibration = self.checkpoint.calibration
        fitted = calibration.of(asked.label)
        laterality = asked.query.laterality
        grid = encoded.embeddings.grid
        valid = encoded.embeddings.valid[0].unflatten(0, grid).cpu().numpy()
        logits = smooth(patch_logits.unflatten(0, grid).float().cpu().numpy(), fitted.smoothing, valid)
        values = _sigmoid(fitted.patch_scale * logits + fitted.patch_image * whole_logit + fitted.patch_bias)
        shown = encoded.letterbox.crop_grid(encoded.letterbox.extend_edges(values))
        present = float(_sigmoid(np.float32(fitted.image_scale * whole_logit + fitted.image_bias)))
        warnings: list[str] = []
        if laterality:
            half = self._half(encoded, asked, laterality)
            present = min(present, float(_sigmoid(np.float32(fitted.image_scale * half + fitted.image_bias))))
            shown = PatchMap(only_laterality(shown, laterality, encoded), shown.extent)
            if not encoded.facts.sides_told:
                warnings.append(
                    "The image does not tell the patient's sides; the patient's left is taken to be at the right of the image."
                )
        regions = find_regions(shown, LIT, encoded.size, calibration.min_patches)
        if not asked.in_vocabulary:
            warnings.append(
                f'"{asked.query.finding}" is far from what this model has learnt: no map is shown and the probability means nothing.'
            )
            shown = PatchMap(np.zeros_like(shown.values), shown.extent)
            regions = ()
        if asked.query.also:
            warnings.append(
                f"This query names several findings; only {asked.query.finding} was answered. Separate findings with a semicolon."
            )
        return Answer(
            query=asked.query.text,
            finding=asked.query.finding,
            label=asked.label,
            negated=asked.query.negated,
            laterality=laterality,
            in_vocabulary=asked.in_vocabulary,
            probability=1.0 - present if asked.query.negated else present,
            map=shown,
            regions=regions,
            threshold=LIT,
            warnings=tuple(warnings),
        )

    def _half(self, encoded: Encoded, asked: _Asked, laterality: Laterality) -> float:
        """The image's logit from the patches of one half alone; the global embedding knows no laterality and has no part in it."""
        embeddings = encoded.embeddings
        keep = torch.from_numpy(laterality_columns(laterality, embeddings.grid[1], encoded.facts)).to(
            self.device
        )
        valid = embeddings.valid & keep.repeat(embeddings.grid[0])[None]
        branches = tuple(branch for branch in self.checkpoint.calibration.branches if branch != "global") or (
            "mil",
        )
        with torch.inference_mode():
            limited = ImageEmbeddings(
                global_=embeddings.global_,
                patches=embeddings.patches,
                pooled=self.model.projection(self.model.pool(embeddings.tokens, valid)),
                tokens=embeddings.tokens,
                valid=valid,
                grid=embeddings.grid,
            )
            return float(
                image_logit(self.model, limited, asked.positive[None], asked.negative[None], branches)[0, 0]
            )


def _sigmoid(values: FloatArray | np.float32) -> FloatArray:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(values, -60, 60))), np.float32)
