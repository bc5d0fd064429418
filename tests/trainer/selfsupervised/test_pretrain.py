"""Pretraining without labels: it learns, goes on where it was, and leaves what a training begins with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from patchclip.errors import CheckpointError, DataError
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import PatchCLIP
from tests.tiny import RECIPE, VOCABULARY, tiny_dataset
from trainer.__main__ import main
from trainer.data.folder import read_folder
from trainer.data.split import hold_out
from trainer.fit.pretrained import initialise
from trainer.selfsupervised.distil import Distillation
from trainer.selfsupervised.run import EpochSampler, Pretraining
from trainer.selfsupervised.views import Views


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A miniature dataset and a whole run on it."""
    folder = tmp_path_factory.mktemp("pretrain")
    tiny_dataset(folder / "data", each=4, splits=("train",))
    (folder / "recipe.json").write_text(json.dumps(RECIPE))
    assert main(command(folder, "whole", epochs=4)) == 0
    return folder


def command(folder: Path, out: str, epochs: int) -> list[str]:
    return [
        *("pretrain", "--data", str(folder / "data"), "--recipe", str(folder / "recipe.json")),
        *("--size", "64", "--epochs", str(epochs), "--batch", "4", "--out", str(folder / out)),
    ]


def test_it_learns_without_all_images_becoming_one(made: Path) -> None:
    record = json.loads((made / "whole" / "pretraining.json").read_text())
    first, last = record["epochs"][0], record["epochs"][-1]
    assert len(record["epochs"]) == 4 and last["total"] < 0.9 * first["total"]
    assert last["spread"] > 0.1
    samples = read_folder(made / "data", "train", labels=frozenset(VOCABULARY.labels)).samples
    train, held_out = hold_out(samples, RECIPE["data"]["dev_fraction"], 0)
    assert record["data"]["images"] == len(train) and held_out


def test_no_label_is_looked_at(made: Path) -> None:
    """Other labels and no boxes leave the same trunk."""
    other = made / "relabelled"
    shutil.copytree(made / "data", other / "data")
    (other / "data" / "boxes.csv").unlink()
    rows = (other / "data" / "images.csv").read_text().splitlines()
    columns = rows[0].split(",")
    changed = [row.split(",") for row in rows[1:]]
    for row in changed:
        row[columns.index("labels")], row[columns.index("rsna_class")] = "Hernia", ""
    (other / "data" / "images.csv").write_text("\n".join([rows[0], *map(",".join, changed)]) + "\n")
    shutil.copy(made / "recipe.json", other)
    assert main(command(other, "whole", epochs=4)) == 0
    mine, theirs = (load_file(folder / "whole" / "trunk.safetensors") for folder in (other, made))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_an_interrupted_run_ends_as_a_whole_one(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = torch.load(made / "whole" / "state.pt", weights_only=True)
    parts = made / "parts"
    shutil.copytree(made / "whole", parts)
    (parts / "trunk.safetensors").unlink()

    class Stopping(EpochSampler):
        def __init__(self, count: int, batch: int, seed: int, epoch: int) -> None:
            if epoch == 2:
                raise KeyboardInterrupt
            super().__init__(count, batch, seed, epoch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.selfsupervised.run.EpochSampler", Stopping)
        with pytest.raises(KeyboardInterrupt):
            main(command(made, "parts", epochs=4))
    assert len(torch.load(parts / "state.pt", weights_only=True)["epochs"]) == 2
    assert main([*command(made, "parts", epochs=4), "--resume"]) == 0
    assert "epoch 3 of 4" in capsys.readouterr().out
    mine, theirs = (load_file(made / name / "trunk.safetensors") for name in ("parts", "whole"))
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    assert len(whole["epochs"]) == 4
    assert main([*command(made, "parts", epochs=5), "--resume"]) == 1
    assert "of other images or another plan" in capsys.readouterr().err


def test_a_training_begins_with_the_trunk(made: Path, tmp_path: Path) -> None:
    model = PatchCLIP(ModelConfig(**RECIPE["model"]))
    file = made / "whole" / "trunk.safetensors"
    initialise(model, f"trunk:{file}")
    assert all(
        torch.equal(value, model.tower.visual.state_dict()[name]) for name, value in load_file(file).items()
    )
    with pytest.raises(CheckpointError, match="does not fit the tower"):
        initialise(PatchCLIP(ModelConfig()), f"trunk:{file}")
    with pytest.raises(CheckpointError, match="cannot be read"):
        initialise(model, f"trunk:{tmp_path / 'none.safetensors'}")


def test_the_loss_is_that_of_the_two_papers() -> None:
    """Against plain loops over places, on views that are one another's mirror image."""
    torch.manual_seed(0)
    model = PatchCLIP(ModelConfig(**RECIPE["model"]))
    level = model.tower.indices.index(model.config.grid_level)
    network = Distillation(model.tower, level, 0.5, 0.25).eval()
    pixels = torch.rand(2, 1, 64, 64)
    plain = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).expand(2, 2, 3)
    mirror = torch.tensor([[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]).expand(2, 2, 3)
    with torch.no_grad():
        terms = network(Views((pixels, pixels.flip(-1)), (plain, mirror)))
        places, images = [], []
        for one, other in ((pixels, pixels.flip(-1)), (pixels.flip(-1), pixels)):
            seen, whole = network.student(one)
            said, about = network.foretell_places(seen), network.foretell_image(whole)
            target, image = network.teacher(other)
            rows, columns = said.shape[2:]
            for b in range(2):
                for r in range(rows):
                    for c in range(columns):
                        alike = F.cosine_similarity(said[b, :, r, c], target[b, :, r, columns - 1 - c], dim=0)
                        places.append(2 - 2 * float(alike))
                images.append(2 - 2 * float(F.cosine_similarity(about[b, :, 0, 0], image[b, :, 0, 0], dim=0)))
    assert float(terms["places"]) == pytest.approx(np.mean(places), abs=1e-4)
    assert float(terms["image"]) == pytest.approx(np.mean(images), abs=1e-4)
    assert float(terms["total"]) == pytest.approx(np.mean(places) + np.mean(images), abs=1e-4)


def test_the_teacher_follows_more_and_more_slowly() -> None:
    model = PatchCLIP(ModelConfig(**RECIPE["model"]))
    network = Distillation(model.tower, 0, 0.5, 0.25)
    name = "places.0.weight"
    weight, mean = network.student.get_parameter(name), network.teacher.get_parameter(name)
    for done, share in ((0.0, 0.01), (0.5, 0.005), (1.0, 0.0)):
        mean.data.zero_()
        weight.data.fill_(1.0)
        network.follow(done)
        assert float(mean.mean()) == pytest.approx(share, abs=1e-6)
    assert not any(parameter.requires_grad for parameter in network.teacher.parameters())


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    one, again, other = (list(EpochSampler(50, 8, 0, epoch)) for epoch in (3, 3, 4))
    assert one == again and one != other and len(one) == 6
    positions = [position for batch in one for position, _ in batch]
    assert len(set(positions)) == 48


def test_a_plan_that_cannot_be_done_is_said(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError, match="set --epochs to 1 or more"):
        Pretraining(epochs=0)
    assert main([*command(made, "none", epochs=1)[:-4], "--batch", "400", "--out", str(made / "none")]) == 1
    assert "fill no batch of 400" in capsys.readouterr().err
    assert main([*command(made, "none", epochs=1), "--resume"]) == 1
    assert "start anew, without --resume" in capsys.readouterr().err
