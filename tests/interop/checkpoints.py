"""Reads our torch checkpoints with torch, and writes some for us to read.

checkpoints.py check NAME...      exit code 0 if torch reads each NAME.pt as NAME.json says
checkpoints.py write FOLDER       NAME.pt and NAME.json for each kind of checkpoint

Facts: a list of [name, dtype, shape, stride, hexadecimal bytes of the contiguous values] in order.
"""

import argparse
import collections
import io
import json
import pathlib
import pickle
import sys
import zipfile

import torch


def facts_of(state):
    return [
        [name, str(t.dtype), list(t.shape), list(t.stride()),
         bytes(t.detach().contiguous().reshape(-1).view(torch.uint8).tolist()).hex()]
        for name, t in state.items()
    ]


def check(*names):
    for name in names:
        check_one(f"{name}.pt", json.loads(pathlib.Path(f"{name}.json").read_text()))


def check_one(path, expected):
    assert zipfile.ZipFile(path).testzip() is None, "a checksum is wrong"
    for options in ({}, {"mmap": True}):
        state = torch.load(path, weights_only=True, **options)
        assert type(state) is collections.OrderedDict, type(state)
        assert facts_of(state) == expected, f"{path}: {facts_of(state)}\n is not\n{expected}"
    buffer = io.BytesIO()
    torch.save(torch.load(path, weights_only=True), buffer)  # what we wrote can be saved again
    assert buffer.tell() > 0


def write(folder):
    folder = pathlib.Path(folder)
    torch.manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3))
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.rand(2, 2, 5, 5)).sum().backward()
    optimizer.step()
    base = torch.arange(24.0)
    states = {
        "module": net.state_dict(),
        "plain_dict": {"a": base.clone(), "b": torch.tensor(3)},
        "views": {"all": base, "part": base[3:9], "matrix": base.view(4, 6).t(), "strided": base.view(4, 6)[:, ::2]},
        "types": {str(d): torch.arange(4).remainder(2).to(d) for d in (
            torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
            torch.uint8, torch.bool)},
        "shapes": {"scalar": torch.tensor(1.5), "empty": torch.zeros(0), "empty2": torch.zeros(2, 0, 3),
                   "channels_last": torch.rand(2, 3, 4, 5).to(memory_format=torch.channels_last)},
        "parameters": collections.OrderedDict(w=torch.nn.Parameter(torch.rand(2, 3))),
        "many": {f"layer.{i}.weight": torch.rand(3) for i in range(400)},
    }
    for name, state in states.items():
        torch.save(state, folder / f"{name}.pt")
        (folder / f"{name}.json").write_text(json.dumps(facts_of(state)))
    wrapped = {"epoch": 3, "rate": 1e-4, "betas": (0.9, 0.999), "note": None, "done": False, "seed": 2**40,
               "state_dict": net.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(wrapped, folder / "wrapped.pt")
    (folder / "wrapped.json").write_text(json.dumps(facts_of(net.state_dict())))
    for key in ("params", "params_ema", "net", "model_state_dict", "generator", "ema"):
        beside = {"args": argparse.Namespace(out=pathlib.Path("runs") / "1", sizes={"a": 1}), "device": torch.device("cuda", 0),
                  "dtype": torch.float32, "shape": torch.Size([1, 2]), "milestones": collections.Counter([3, 5]),
                  "seen": {1, 2}, "step": 7, "scheduler": collections.defaultdict(dict, {"last": {"epoch": 1}})}
        try:
            import numpy
            beside |= {"best": numpy.float64(31.5), "history": numpy.zeros(3)}
        except ImportError:
            pass
        torch.save(beside | {key: net.state_dict()}, folder / f"below_{key}.pt")
        (folder / f"below_{key}.json").write_text(json.dumps(facts_of(net.state_dict())))
    torch.save(collections.OrderedDict(net.state_dict(), epoch=3, where=pathlib.Path("a")), folder / "beside.pt")
    (folder / "beside.json").write_text(json.dumps(facts_of(net.state_dict())))
    torch.save(net, folder / "refused_module.pt")
    torch.save(net, folder / "refused_old_module.pt", _use_new_zipfile_serialization=False)
    torch.save(net.state_dict(), folder / "refused_legacy.pt", _use_new_zipfile_serialization=False)
    (folder / "refused_pickle.pt").write_bytes(pickle.dumps({"a": 1}))
    torch.jit.script(torch.nn.ReLU()).save(str(folder / "refused_script.pt"))
    torch.save({"a": torch.zeros(2, dtype=torch.complex64)}, folder / "refused_type.pt")


if __name__ == "__main__":
    {"check": check, "write": write}[sys.argv[1]](*sys.argv[2:])
