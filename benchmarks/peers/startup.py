"""The shortest way from an image file to its reconstruction in Python: startup.py THREADS WEIGHTS IMAGE OUT."""

import sys

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file

from twin import Twin


def main(threads, weights, image, out):
    torch.set_num_threads(int(threads))
    with torch.device("meta"):  # no initial values for weights that are read anyway
        model = Twin()
    model.load_state_dict(load_file(weights), assign=True)
    model.eval()
    pixels = torch.from_numpy(numpy.array(Image.open(image).convert("L")))[None, None].float() / 255
    with torch.inference_mode():
        result = model(pixels)[0, 0]
    Image.fromarray(result.mul(255).round().byte().numpy()).save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
