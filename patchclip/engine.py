"""The engine: encode a radiograph once, then ask as many questions of it as one likes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from patchclip.answering import answers_to
from patchclip.encoded import Encoded
from patchclip.errors import CheckpointError
from patchclip.execution import Computation, Execution
from patchclip.image.model_input import Prepared
from patchclip.image.radiograph import Radiograph
from patchclip.model.branches import image_logit
from patchclip.model.checkpoint import Checkpoint, load_checkpoint
from patchclip.question import Question, QuestionReader
from patchclip.radiograph_encoder import RadiographEncoder
from patchclip.resources import BUNDLED, checkpoint_folder
from patchclip.saliency import SaliencyTask, applicable_methods, saliency_maps, saliency_method
from patchclip.source_offsets import SourceOffsets
from patchclip.text.query import Reading
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import Answer, Exploration, FloatArray, PatchMap
from patchclip.within import ends, limit_for, limited, valid_patches


class Engine:
    """A checkpoint ready to answer. Threads may share an engine: it changes nothing but a cache of text
    embeddings.

    Attributes:
        offsets: what is subtracted from an image's logits for the training source that it resembles.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        device: str | None = None,
        execution: Execution | None = None,
        folder: Path | None = None,
    ) -> None:
        """
        Args:
            checkpoint: the model.
            device: "cpu", "cuda", ...; by default a GPU if there is one.
            execution: how the pass through the tower is computed; torch in fp32 by default.
            folder: the checkpoint's, where its ONNX graph may lie.

        Raises:
            CheckpointError: the checkpoint has no query gate, or a gate is malformed; or the execution cannot
                be had, see `make_encoder`.
        """
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.checkpoint = checkpoint
        self.model = checkpoint.model.to(self.device).eval()
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._images = RadiographEncoder(checkpoint, folder, self.device, execution or Execution())
        self.vocabulary: Vocabulary = checkpoint.vocabulary
        self.name = checkpoint.model.config.name
        self.sha256 = checkpoint.sha256

        if "query" not in checkpoint.gates:
            raise CheckpointError(
                "The checkpoint has no query gate; run python -m trainer calibrate on its run folder."
            )
        gate = QueryGate.from_dict(checkpoint.gates["query"], self.vocabulary, self.model.sentence_encoder)
        self._reader = QuestionReader(self.model, self.vocabulary, gate, checkpoint.prompts)
        self.offsets = SourceOffsets(self.model, checkpoint.calibration, self._reader.ends_of)

    @property
    def backend(self) -> str:
        """What computes the pass through the tower, and how, for the reader."""
        return self._images.backend

    @property
    def computation(self) -> Computation:
        """How its answers are computed, for what is stored of them."""
        return self._images.computation

    @classmethod
    def from_pretrained(
        cls,
        path: str | Path | None = None,
        device: str | None = None,
        prevalence: Sequence[str] = (),
        execution: Execution | None = None,
    ) -> Engine:
        """The bundled checkpoint, another bundled one by name ("patchclip-cxr-b"), one from a folder, or a
        published model of open_clip by name (see `load_open_clip`).

        prevalence: shares of the site's images with a finding, "Effusion=0.3" or a JSON file of such pairs;
            probabilities are then those for such a site.
        execution: how the pass through the tower is computed; torch in fp32 by default.

        Raises:
            CheckpointError: see `load_checkpoint`, `load_open_clip`, `at_prevalence` and `make_encoder`.
            DataError: a prevalence cannot be read, see `read_prevalence`.
        """
        folder: Path | None
        if isinstance(path, str) and path and not checkpoint_folder(path).exists():
            folder, checkpoint = None, _named(path)
        else:
            folder = checkpoint_folder(path) if path else BUNDLED
            checkpoint = load_checkpoint(folder)
        checkpoint = checkpoint.at_prevalence(prevalence) if prevalence else checkpoint
        return cls(checkpoint, device, execution, folder)

    @property
    def min_patches(self) -> float:
        """Smallest region, in patches, of the checkpoint's operating point."""
        return self.checkpoint.calibration.min_patches

    @property
    def labels(self) -> tuple[str, ...]:
        """The findings that the model was trained on."""
        return tuple(self.vocabulary.labels)

    def saliency_methods(self) -> tuple[str, ...]:
        """Keys of `patchclip.saliency.SALIENCY` that can be applied to this model's tower."""
        return applicable_methods(self.model)

    def prepare(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Embeds the prompts of every finding, unless the checkpoint brings them, and loads the text encoder
        for all other queries, so that the first query is as fast as any other.

        stopped: asked before each step; what is left is left out once it says so.
        """
        for finding in self.vocabulary.findings:
            if stopped():
                return
            self.understand(finding.name)
        self._reader.gate.prepare(stopped)

    def understand(self, text: str) -> tuple[Question, ...]:
        """What a text asks for, without an image to ask: one question for each finding that it names, in its
        order, at least one.

        Raises:
            QueryError: the text is empty, too long, or in a language that is not read.
        """
        return self._reader.read(text)

    def read(self, text: str) -> Reading:
        """What was made of a text: its queries, and what became of every word and mark.

        A word is used (and for which assertion), corrected, passed over, or struck out.

        Raises:
            QueryError: see `understand`.
        """
        return self._reader.reading(text)

    def encode(self, radiograph: Radiograph | Prepared) -> Encoded:
        """One pass through the tower; a picture that does not look like a frontal chest radiograph is encoded
        too, with a warning.

        radiograph: or what was prepared of it for this model (`patchclip.image.model_input.prepared`).

        Raises:
            RadiographError: the image is so long and narrow that no patch has its centre in it.
        """
        return self._images.encode(radiograph)

    def encode_again(self, encoded: Encoded, square: FloatArray) -> Encoded:
        """The image of another engine's `Encoded`, encoded by this one too.

        square: this model's input, as `model_input` makes it of the same pixels, float32 [S, S] in [0, 1].
        """
        return self._images.encode_again(encoded, square)

    def query(self, encoded: Encoded, texts: Sequence[str]) -> list[Answer]:
        """Answers all that the texts ask, in order; all patches and all questions in one matrix product.

        Returns:
            One answer for each finding that a text names, at least one for each text; `Answer.span` says for
            which part of its text.

        Raises:
            QueryError: a text is empty, too long, or in a language that is not read.
        """
        if not texts:
            return []
        return answers_to(self.checkpoint, encoded, self._questions(texts), self.offsets)

    def saliency(self, encoded: Encoded, text: str, method: str = "grad_cam") -> PatchMap:
        """Relative saliency of the named finding (never of its absence), from the same logit as the
        probability.

        Args:
            encoded: from `encode`.
            text: as for `query`.
            method: a key of `patchclip.saliency.SALIENCY`.

        Raises:
            SaliencyError: the method is unknown, or cannot be applied to this tower.
            QueryError: see `query`.
        """
        return self.saliencies(encoded, [text], [method])[method][0]

    def explore(self, encoded: Encoded, text: str) -> Exploration:
        """The raw similarity of every patch to a text as typed, for what the model was never tested on.

        The cosine between the patch's embedding and the mean of the positive prompts around the text, neither
        calibrated nor compared with its absence: no probability, and no prediction of a finding.

        Raises:
            QueryError: see `query`; or it holds words of another language than English.
        """
        question = self._reader.explorable(text)
        with torch.inference_mode():
            similarity = encoded.patches @ question.positive.to(encoded.patches.device)
        values = encoded.letterbox.extend_edges(similarity.float().cpu().numpy())
        return Exploration(text, question.query.finding, encoded.letterbox.crop_grid(values))

    def saliencies(
        self, encoded: Encoded, texts: Sequence[str], methods: Sequence[str]
    ) -> dict[str, list[PatchMap]]:
        """Several methods on several queries, with as few passes through the tower as they allow.

        Returns:
            method -> one map for each answer that `query` gives, in order.

        Raises:
            SaliencyError, QueryError: see `saliency`.
        """
        for method in methods:
            saliency_method(method)
        if not texts:
            return {method: [] for method in methods}
        questions = self._questions(texts)
        task = self._task(encoded, questions)
        inside = task.valid[0].cpu().numpy()

        def on_image(values: FloatArray, question: Question) -> PatchMap:
            # Padding is no part of the image: it gets what the darkest patch has, and never a peak.
            filled = np.where(inside, values, values[inside].min()).astype(np.float32)
            return encoded.letterbox.crop_grid(limited(filled, limit_for(encoded, question)))

        return {
            method: [on_image(*each) for each in zip(maps, questions, strict=True)]
            for method, maps in saliency_maps(task, methods).items()
        }

    def saliency_task(self, encoded: Encoded, texts: Sequence[str]) -> SaliencyTask:
        """What a saliency method is given to explain these queries, of which there must be one at least.

        Raises:
            QueryError: see `query`.
        """
        return self._task(encoded, self._questions(texts))

    def _questions(self, texts: Sequence[str]) -> list[Question]:
        return [question for text in texts for question in self.understand(text)]

    def _task(self, encoded: Encoded, questions: Sequence[Question]) -> SaliencyTask:
        positive, negative = ends(questions)
        return SaliencyTask(
            model=self.model,
            pixels=encoded.pixels.clone(),
            valid=encoded.embeddings.valid.unflatten(1, encoded.embeddings.grid).clone(),
            positive=positive,
            negative=negative,
            branches=self.checkpoint.calibration.branches,
            mirror=self._images.mirror,
            embeddings=encoded.embeddings,
        )

    def rescore(self, encoded: Encoded, pixels: FloatArray, text: str) -> FloatArray:
        """The probability that the query's finding is present on changed copies of an image's input, for
        tests of faithfulness.

        pixels float32 [N, S, S] in [0, 1], as `model_input` gives them -> float32 [N] in [0, 1], never turned
        round.
        """
        question = self.understand(text)[0]
        calibration = self.checkpoint.calibration
        with torch.inference_mode():
            _, embeddings = self._images.embed(pixels, valid_patches(encoded))
            logits = image_logit(self.model, embeddings, *ends([question]), calibration.branches)
        values = logits[:, 0].float().cpu().numpy() - self.offsets.of(embeddings, [question.label])[:, 0]
        return calibration.of(question.label).image_probability(values)


def _named(name: str) -> Checkpoint:
    """A published model of open_clip, or else the sentence that no such folder is there.

    Raises:
        CheckpointError: see `load_checkpoint` and `load_open_clip`.
    """
    from patchclip.zoo.convert import load_open_clip  # heavy: all of open_clip
    from patchclip.zoo.named import is_open_clip_name

    if not is_open_clip_name(name):
        return load_checkpoint(Path(name))
    return load_open_clip(name, load_checkpoint(BUNDLED).vocabulary)
