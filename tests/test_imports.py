"""What importing the package brings with it: a worker that decodes images must start without torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import patchclip

EXAMPLE = Path(__file__).resolve().parents[1] / "assets" / "examples" / "synthetic_effusion.png"


def _modules_after(statement: str) -> set[str]:
    """Names of the modules that are loaded after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.split())


def test_reading_images_needs_no_torch() -> None:
    loaded = _modules_after("from patchclip import Radiograph, load_radiograph")
    assert "patchclip.image.load" in loaded
    assert not loaded & {"torch", "torchvision", "timm", "sklearn", "patchclip.engine"}


def test_asking_for_a_finding_loads_neither_text_encoder_nor_compiler() -> None:
    """Of what torch brings, the compiler alone takes as long to load as all the rest."""
    loaded = _modules_after(
        "from patchclip.__main__ import main\n"
        "import contextlib, os\n"
        "with open(os.devnull, 'w') as nothing, contextlib.redirect_stdout(nothing):\n"
        f"    assert main(['predict', {str(EXAMPLE)!r}, '--query', 'no pleural effusion on the left']) == 0"
    )
    assert {"torch", "timm", "patchclip.predict"} <= loaded
    heavy = {
        "tokenizers",
        "transformers",
        "open_clip",
        "sklearn",
        "pandas",
        "matplotlib",
        "plotly",
        "highdicom",
    }
    assert not loaded & (heavy | {"pynetdicom", "pytorch_grad_cam", "torch._dynamo", "sympy"})


def test_the_compiler_is_whole_after_torchvision_was_loaded_without_it() -> None:
    """What stands in for one of its modules meanwhile is gone, and torchvision's operators can ask it."""
    loaded = _modules_after(
        "import sys, patchclip._torchvision, torch\n"
        "assert not any(name.startswith('torch._dynamo') for name in sys.modules)\n"
        "assert torch.compiler.disable.__module__ == 'torch.compiler'\n"
        "from torchvision.ops.roi_align import is_compile_supported\n"
        "assert is_compile_supported('cpu') in (True, False)\n"
        "assert torch.compile(lambda x: x + 1, backend='eager')(torch.ones(2)).tolist() == [2, 2]"
    )
    assert {"torch._dynamo", "torch._dynamo.utils"} <= loaded


def test_names_that_need_torch_come_when_they_are_asked_for() -> None:
    for name in patchclip.__all__:
        assert getattr(patchclip, name).__name__, name
        assert name in dir(patchclip)
    with pytest.raises(AttributeError, match="no attribute 'Motor'"):
        _ = patchclip.Motor


def test_a_server_listens_before_it_loads_statistics_or_what_writes_dicom() -> None:
    """Each belongs to a page or a file that may never be asked for, and whoever starts a server waits."""
    loaded = _modules_after(
        "import app.serving, app.archive_panel, app.models.shelf, app.received, app.study.server, app.twin"
    )
    assert {"gradio", "torch", "app.insights.figures", "app.monai_label.desk"} <= loaded
    assert not loaded & {"scipy.stats", "highdicom", "sklearn", "tokenizers", "transformers", "open_clip"}
    assert not loaded & {"matplotlib.pyplot", "pytorch_grad_cam", "torch._dynamo", "usearch"}


def test_gradio_is_loaded_without_writing_stubs_beside_itself() -> None:
    code = (
        "import app\n"
        "from pathlib import Path\n"
        "written = []\n"
        "Path.write_text = lambda self, *given, **named: written.append(self)\n"
        "import gradio as gr\n"
        "from gradio import component_meta\n"
        "assert written == [], written\n"
        "assert component_meta.create_or_modify_pyi.__module__ == 'app._gradio'\n"
        "with gr.Blocks() as page:\n"
        "    gr.Textbox(label='a').change(str)"
    )
    assert "gradio.components" in _modules_after(code)
