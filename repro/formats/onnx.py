"""Export a network to ONNX, and check in onnxruntime that the file computes the same."""

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from repro.errors import Failure, to_install
from repro.storage import write_atomic

IMAGES = 8  # how many random images the verification compares


class Verification(NamedTuple):
    """The difference between the ONNX file and the network, on `images` random inputs.

    difference: the largest absolute difference between two logits.
    agreement: the share of images whose highest logit is the same class.
    """

    difference: float
    agreement: float
    images: int


def export_onnx(
    module: nn.Module, path: Path, size: tuple[int, int, int], texts: Mapping[str, str] | None = None
) -> Verification:
    """Write the network in evaluation mode, batch size left open, and verify the file.

    Inputs are named `images` ([N, *size]), outputs `logits` ([N, classes]). The module itself is left as it was.

    texts: the file's metadata; see `card`.

    Raises:
        Failure: a package of the `onnx` extra is missing, the network cannot be exported, or the file not written.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        require(package)
    was_training = module.training
    module.eval()
    try:
        with tempfile.TemporaryDirectory() as folder, quiet():
            partial = Path(folder, "network.onnx")
            # One image would let the exporter take the batch size for a constant.
            example = torch.zeros(2, *size, device=next(module.parameters()).device)
            torch.onnx.export(
                module,
                (example,),
                partial,
                dynamo=True,
                verbose=False,
                external_data=False,
                input_names=["images"],
                output_names=["logits"],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
            )
            write_atomic(path, with_texts(partial.read_bytes(), texts or {}))
    except torch.onnx.OnnxExporterError as error:
        raise Failure(f"cannot export to ONNX: {str(error).strip().splitlines()[0]}") from error
    finally:
        module.train(was_training)
    return verify_onnx(module, path, size)


def with_texts(content: bytes, texts: Mapping[str, str]) -> bytes:
    """An ONNX file with metadata."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.helper.set_model_props(model, dict(texts))
    return model.SerializeToString()


def verify_onnx(module: nn.Module, path: Path, size: tuple[int, int, int]) -> Verification:
    """Compare an ONNX file with the network on `IMAGES` standard-normal inputs, on the CPU.

    Raises:
        Failure: onnxruntime is missing, or cannot read or run the file.
    """
    runtime = require("onnxruntime")
    images = torch.randn(IMAGES, *size, generator=torch.Generator().manual_seed(0))
    was_training, device = module.training, next(module.parameters()).device
    with torch.inference_mode():
        expected = module.eval()(images.to(device)).cpu()
    module.train(was_training)
    try:
        # Without `enable_fallback=0` it prints an error and tries the same again.
        session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"], enable_fallback=0)
        found = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: images.numpy()})[0])
    except Exception as error:  # onnxruntime's errors share no base class
        raise Failure(f"onnxruntime cannot run {path}: {str(error).strip().splitlines()[0]}") from error
    if found.shape != expected.shape:
        raise Failure(f"{path} gives outputs of shape {list(found.shape)}, the network {list(expected.shape)}")
    return Verification(
        difference=(found - expected).abs().max().item(),
        agreement=(found.argmax(1) == expected.argmax(1)).float().mean().item(),
        images=IMAGES,
    )


def require(package: str):
    """The package, or a Failure that says how to install it."""
    try:
        return __import__(package)
    except ImportError as error:
        raise Failure(f"ONNX export needs {package}: {to_install('onnx')}") from error


@contextlib.contextmanager
def quiet():
    """Silence the exporter's progress lines and deprecation warnings, which are not about the network."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
