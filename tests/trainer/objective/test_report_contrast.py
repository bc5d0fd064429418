"""Report objectives against plain loops and open_clip's own losses; sentences, sides, and what counts as a
counterexample."""

from __future__ import annotations

import math

import pytest
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch.nn import functional as F

from trainer.batches.reports import Reports, mirrored_wording, padded_features, sentences_of
from trainer.fit.distributed import Processes
from trainer.objective.report_contrast import (
    ReportObjective,
    clip_loss,
    sentence_loss,
    sentence_scores,
    siglip_loss,
)

GENERATOR = torch.Generator().manual_seed(0)
ALONE = Processes(0, 1, torch.device("cpu"))


def unit(*shape: int) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=GENERATOR), dim=-1)


def none_same(count: int) -> torch.Tensor:
    return torch.eye(count, dtype=torch.bool)


def test_clip_and_siglip_are_open_clips_own() -> None:
    images, texts, scale, bias = unit(7, 16), unit(7, 16), torch.tensor(12.0), torch.tensor(-8.0)
    assert clip_loss(images, texts, scale, none_same(7)) == pytest.approx(
        float(ClipLoss()(images, texts, scale)), abs=1e-5
    )
    assert siglip_loss(images, texts, scale, bias, none_same(7)) == pytest.approx(
        float(SigLipLoss()(images, texts, scale, bias)), abs=1e-5
    )


def test_the_same_report_is_no_counterexample() -> None:
    images, texts = unit(3, 8), unit(3, 8)
    texts[1] = texts[0]
    same = (texts @ texts.t()) > 0.999
    scale = torch.tensor(10.0)
    logits = (scale * images @ texts.t()).tolist()
    wanted = 0.0
    for i in range(3):
        rivals = [j for j in range(3) if j == i or not same[i, j]]
        wanted -= math.log(math.exp(logits[i][i]) / sum(math.exp(logits[i][j]) for j in rivals)) / 6
        wanted -= math.log(math.exp(logits[i][i]) / sum(math.exp(logits[j][i]) for j in rivals)) / 6
    assert float(clip_loss(images, texts, scale, same)) == pytest.approx(wanted, abs=1e-5)


def test_one_report_alone_teaches_nothing_and_breaks_nothing() -> None:
    images = unit(1, 8).requires_grad_(True)
    loss = clip_loss(images, unit(1, 8), torch.tensor(10.0), none_same(1))
    loss.backward()
    assert float(loss.detach()) == 0 and images.grad is not None and not images.grad.any()


def test_sentence_scores_are_the_plain_loop() -> None:
    patches, sentences = unit(2, 5, 6), unit(3, 6)
    valid = torch.ones(2, 5, dtype=torch.bool)
    valid[0, 3:] = False
    scores = sentence_scores(patches, valid, sentences)
    for b in range(2):
        for s in range(3):
            inside = [p for p in range(5) if valid[b, p]]
            weight = [math.exp(8.0 * float(patches[b, p] @ sentences[s])) for p in inside]
            seen = torch.stack(
                [patches[b, p] * w / sum(weight) for p, w in zip(inside, weight, strict=True)]
            ).sum(dim=0)
            assert float(scores[b, s]) == pytest.approx(float(seen @ sentences[s] / seen.norm()), abs=1e-5)


def test_a_sentence_pulls_its_own_image_and_spares_one_that_says_the_same() -> None:
    scores = torch.zeros(3, 1, requires_grad=True)
    same = torch.tensor([[False], [True], [False]])
    sentence_loss(scores, torch.tensor([0]), torch.tensor(5.0), same).backward()
    assert scores.grad is not None
    assert scores.grad[0, 0] < 0 < scores.grad[2, 0] and scores.grad[1, 0] == 0


def test_images_without_a_report_are_left_out_of_both_terms() -> None:
    torch.manual_seed(0)
    image, patches, valid = unit(4, 8), unit(4, 6, 8), torch.ones(4, 6, dtype=torch.bool)
    features = [
        torch.randn(2, 5, generator=GENERATOR),
        torch.zeros(0, 5),
        torch.randn(1, 5, generator=GENERATOR),
        torch.zeros(0, 5),
    ]
    reports = padded_features(features, 5)
    texts = unit(4, 2, 8)
    objective = ReportObjective("siglip")
    whole = objective(image, patches, valid, texts, reports, ALONE)
    kept = [0, 2]
    part = objective(
        image[kept],
        patches[kept],
        valid[kept],
        texts[kept],
        Reports(reports.features[kept], reports.mask[kept]),
        ALONE,
    )
    assert torch.isclose(whole["report"], part["report"]) and torch.isclose(
        whole["sentences"], part["sentences"]
    )
    assert float(whole["report"].detach()) > 0 and float(whole["sentences"].detach()) > 0


def test_training_on_reports_brings_image_and_report_together() -> None:
    torch.manual_seed(0)
    image = torch.nn.Parameter(torch.randn(6, 12))
    patches = torch.nn.Parameter(torch.randn(6, 9, 12))
    texts = unit(6, 2, 12)
    reports = padded_features([torch.randn(2, 5, generator=GENERATOR) for _ in range(6)], 5)
    objective = ReportObjective("clip")
    optimiser = torch.optim.Adam([image, patches, *objective.parameters()], lr=0.05)
    for _ in range(80):
        terms = objective(
            F.normalize(image, dim=-1),
            F.normalize(patches, dim=-1),
            torch.ones(6, 9, dtype=torch.bool),
            texts,
            reports,
            ALONE,
        )
        optimiser.zero_grad()
        (terms["report"] + terms["sentences"]).backward()
        optimiser.step()
    nearest = F.normalize(image, dim=-1) @ F.normalize(texts.mean(dim=1), dim=-1).t()
    assert nearest.argmax(dim=1).tolist() == list(range(6))
    assert float(terms["sentences"].detach()) < 0.7  # log 6 = 1.8 without learning


def test_sentences_of_a_report() -> None:
    report = "1. Left basal opacity.  Heart size\nis normal. None.\n\nIMPRESSION: No pneumothorax!"
    assert sentences_of(report, 12) == [
        "Left basal opacity.",
        "Heart size is normal.",
        "IMPRESSION: No pneumothorax!",
    ]
    assert sentences_of(report, 1) == ["Left basal opacity."]


def test_a_mirror_image_has_the_mirrored_report() -> None:
    assert (
        mirrored_wording("Left base clear; RIGHT upper lobe mass, leftward shift")
        == "Right base clear; LEFT upper lobe mass, rightward shift"
    )
    assert mirrored_wording("copyright unchanged") == "copyright unchanged"
