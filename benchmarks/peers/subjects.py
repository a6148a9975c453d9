"""What all contenders work on, made once: weights, images, the sparse coder's numbers, the exported model."""

import functools
import math
import pathlib

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file

from processes import Failure, run_program
from twin import Twin

POSITIONS, ATOM_DIM, ATOMS = 16384, 256, 512
LARGEST_THRESHOLD = 0.2


class Subjects:
    def __init__(self, program, folder, env, images=None):
        self.program, self.folder, self.env, self._given = program, pathlib.Path(folder), env, images
        self.folder.mkdir(parents=True, exist_ok=True)
        self.weights = self._weights()

    @functools.cached_property
    def images(self):
        return self._given or self._synthetic("loading", 24, 512)

    def _sscvae(self, *arguments):
        return run_program([self.program, *map(str, arguments)], self.env)

    def _synthetic(self, name, count, side):
        folder = self.folder / "images" / f"{name}-{side}"
        if len(list(folder.glob("*.png"))) != count:
            size = f"{side}x{side}"
            self._sscvae("data", "synth", "--kind", "mixed", "--count", count, "--size", size, "--out", folder,
                         "--overwrite", "--quiet")
        return str(folder)

    def _images(self, count, side):
        files = sorted(pathlib.Path(self._synthetic(f"batch-{count}", count, side)).glob("*.png"))
        pixels = numpy.stack([numpy.array(Image.open(file).convert("L")) for file in files])
        return torch.from_numpy(pixels)[:, None].float() / 255

    def _weights(self):
        """A fresh network of the paper's configuration."""
        state, weights = self.folder / "twin.safetensors", self.folder / "weights.safetensors"
        torch.manual_seed(1)
        twin = Twin()
        save_file({name: tensor.contiguous() for name, tensor in twin.state_dict().items()}, state)
        self._sscvae("import", state, "--out", weights, "--overwrite", "--quiet")
        return str(weights)

    @functools.cached_property
    def onnx(self):
        """(path, ""), or ("", why there is none)."""
        path = self.folder / "model.onnx"
        try:
            self._sscvae("export", self.weights, "--format", "onnx", "--out", path, "--overwrite", "--quiet")
            return str(path), ""
        except Failure as failure:
            return "", f"no exported model: {failure}"

    def batch(self, count, side):
        """Safetensors with `input` [N,1,H,W] in [0,1]."""
        path = self.folder / f"images-{count}x{side}.safetensors"
        save_file({"input": self._images(count, side)}, path)
        return str(path)

    def first_image(self, side):
        return str(next(pathlib.Path(self._synthetic("single", 1, side)).glob("*.png")))

    def lista(self, positions=POSITIONS):
        """Features as of a normalised encoder, atoms of about unit length, L the largest eigenvalue of D^T D,
        thresholds for each position and atom."""
        path = self.folder / "lista.safetensors"
        torch.manual_seed(1)
        dictionary = torch.randn(ATOM_DIM, ATOMS) / math.sqrt(ATOM_DIM)
        save_file(
            {
                "features": torch.randn(positions, ATOM_DIM),
                "dictionary": dictionary,
                "lipschitz": torch.linalg.matrix_norm(dictionary, 2).square(),
                "threshold": torch.rand(positions, ATOMS) * LARGEST_THRESHOLD,
                "cotangent": torch.randn(positions, ATOMS),
            },
            path,
        )
        return str(path)
