#!/usr/bin/env python3
"""torch_check.py [NAME]... in a folder: of each NAME.torch.safetensors that `export --layout torch` wrote, the
module that its text "torch" makes, what it answers to the samples NAME.x (NAME.torch_y), a changed
module under other names (NAME.changed.safetensors) and what that answers (NAME.changed_y). Exits with 77
without PyTorch."""
import json
import struct
import sys

try:
    import numpy
    import torch
except ImportError:
    sys.exit(77)

TYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}


def read(path):
    """A safetensors file: its arrays and texts."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    texts = header.pop("__metadata__", {})
    arrays = {name: torch.from_numpy(numpy.frombuffer(data[slice(*about["data_offsets"])],
                                                      TYPES[about["dtype"]]).reshape(about["shape"]).copy())
              for name, about in header.items()}
    return arrays, texts


def write(path, arrays):
    header, data = {}, b""
    for name in sorted(arrays):  # "10.weight" before "2.weight"
        array = arrays[name].detach().numpy()
        code = next(code for code, kind in TYPES.items() if array.dtype == kind)
        part = array.tobytes()
        header[name] = {"dtype": code, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def answer(model, about, samples, path):
    model.eval()
    with torch.no_grad():
        y = model(samples / about["scale"])
        if about["loss"] == "cross_entropy":
            y = torch.softmax(y, 1)
        if about["loss"] == "binary_cross_entropy":
            y = torch.sigmoid(y)
    numpy.savetxt(path, y.numpy(), fmt="%.9g")


def check(name):
    arrays, texts = read(name + ".torch.safetensors")
    about = json.loads(texts["nablas.model"])
    names = {}
    exec(texts["torch"], names)  # what our own program wrote a moment ago
    dtype = next(iter(arrays.values())).dtype if arrays else torch.float32
    model = names["model"].to(dtype)
    model.load_state_dict(arrays, strict=True)
    samples = torch.from_numpy(numpy.loadtxt(name + ".x")).to(dtype).reshape(-1, *about["input"])
    answer(model, about, samples, name + ".torch_y")
    with torch.no_grad():
        for array in model.state_dict().values():
            if array.dtype == dtype:
                array.mul_(0.8)
    answer(model, about, samples, name + ".changed_y")
    write(name + ".changed.safetensors", {"net.part" + key: value for key, value in model.state_dict().items()})


for which in sys.argv[1:]:
    check(which)
