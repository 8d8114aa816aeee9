#!/usr/bin/env python3
"""check_numpy_io.py TOOL - NumPy opens what nablas writes, and nablas what NumPy writes.

TOOL is test/arrays_tool: it reads one file of arrays and writes another. Every array is compared by
type, shape and bytes. Safetensors files are written and read here by a few lines of their own, after
the format's description.
"""

import collections
import io
import itertools
import json
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

try:
    import numpy as np
except ImportError:  # a python3 of the user's own, before the system's
    if sys.executable == "/usr/bin/python3":
        raise
    os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)

TYPES = ["f4", "f8", "u1", "i1", "i2", "i4", "i8"]
SHAPES = [(), (0,), (1,), (7,), (0, 3), (3, 5), (2, 1, 3), (2, 3, 4), (1, 2, 1, 2, 1, 1, 2, 3)]
SAFE = {"f4": "F32", "f8": "F64", "u1": "U8", "i1": "I8", "i2": "I16", "i4": "I32", "i8": "I64"}

TEXTS = {"made by": "check_numpy_io.py", "θ": "∇ \"quoted\"\n\t\\", "": ""}

tool = os.path.abspath(sys.argv[1])
folder = tempfile.TemporaryDirectory()
path = lambda name: os.path.join(folder.name, name)
passed = failed = 0


def check(good, what):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("MISS", what)


def convert(source, target, *options):
    run = subprocess.run([tool, path(source), path(target), *options], capture_output=True, text=True)
    if run.returncode:
        print(run.stderr, end="")
    return run.returncode == 0


def native(array):
    """The same numbers, row-major, little-endian: what nablas writes."""
    return np.array(array, array.dtype.newbyteorder("<"), order="C", ndmin=0)


def same(got, want):
    want = native(want)
    return got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes()


def all_same(got, want):
    return list(got) == list(want) and all(same(got[name], want[name]) for name in want)


def samples():
    """Every type, byte order, shape and order, of random bytes (NaNs among them)."""
    random = np.random.RandomState(0)
    for kind, endian, shape, order in itertools.product(TYPES, "<>", SHAPES, "CF"):
        size = int(np.prod(shape)) * int(kind[1])
        array = np.frombuffer(random.bytes(size), endian + kind).reshape(shape)
        yield "%s%s%s%s" % ("LB"[endian == ">"], kind, order, shape), np.array(array, order=order)


def write(name, data):
    with open(path(name), "wb") as file:
        file.write(data)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def npy_bytes(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def safetensors_bytes(arrays, texts={}):
    header, data = {"__metadata__": texts}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": SAFE[array.dtype.str[1:]], "shape": list(array.shape),
                        "data_offsets": [len(data), end]}
        data += native(array).tobytes()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def safetensors_arrays(data, texts={}):
    length, = struct.unpack("<Q", data[:8])
    header, data, used, arrays = json.loads(data[8:8 + length]), data[8 + length:], 0, {}
    assert length % 8 == 0
    assert list(header.pop("__metadata__", {}).items()) == list(texts.items())
    for name, entry in header.items():
        kind = {safe: kind for kind, safe in SAFE.items()}[entry["dtype"]]
        begin, end = entry["data_offsets"]
        assert begin % int(kind[1]) == 0
        arrays[name] = np.frombuffer(data[begin:end], "<" + kind).reshape(entry["shape"])
        used += end - begin
    assert used == len(data)
    return arrays


def npy():
    for (name, array), version in zip(samples(), itertools.cycle([(1, 0), (2, 0), (3, 0)])):
        write("in.npy", npy_bytes(array, version))
        if not convert("in.npy", "out.npy"):
            check(False, "npy %s version %s" % (name, version))
            continue
        check(same(np.load(path("out.npy")), array), "npy %s version %s" % (name, version))
        check(read("out.npy") == npy_bytes(native(array)), "npy %s: np.save's bytes" % name)


def several(source, arrays):
    """`source` was written with `arrays`: nablas turns it into each format."""
    check(convert(source, "out.npz") and all_same(np.load(path("out.npz")), arrays), source + " to npz")
    check(convert(source, "deflated.npz", "deflate") and
          all_same(np.load(path("deflated.npz")), arrays), source + " to npz, deflated")
    check(convert("deflated.npz", "out.safetensors") and
          all_same(safetensors_arrays(read("out.safetensors")), arrays), source + " to safetensors")


def with_texts(arrays):
    """np.load opens a .npz with texts, has the arrays and gives the texts' bytes."""
    write("in.safetensors", safetensors_bytes(arrays, TEXTS))
    for options in [], ["deflate"]:
        check(convert("in.safetensors", "texts.npz", *options), "texts to npz")
        with np.load(path("texts.npz")) as npz:
            check(npz.files == ["__metadata__.json"] + list(arrays), "texts and arrays are listed")
            check(all_same({name: npz[name] for name in arrays}, arrays), "arrays beside texts")
            check(list(json.loads(npz["__metadata__.json"]).items()) == list(TEXTS.items()), "texts from npz")
        check(convert("texts.npz", "out.safetensors") and
              all_same(safetensors_arrays(read("out.safetensors"), TEXTS), arrays), "texts to safetensors")


class Stream(io.RawIOBase):
    """What cannot be sought in: a zip's sizes come after its data."""

    data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def zipped(entries, method=zipfile.ZIP_DEFLATED, out=None):
    out = out or io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.data if isinstance(out, Stream) else out.getvalue()


def header_bytes(header, version=1):
    """An array of two zeros in single precision, under that header."""
    return b"\x93NUMPY" + struct.pack("<BBH", version, 0, len(header)) + header.encode() + bytes(8)


def read_too(arrays):
    """What NumPy reads and does not write, and gzip's like."""
    entries = [(name + ".npy" * (i % 2), npy_bytes(array)) for i, (name, array) in enumerate(arrays.items())]
    write("in.npz", zipped(entries, out=Stream()))
    several("in.npz", arrays)
    for header in ("{'descr': '<f4', 'fortran_order': False, 'shape': (2L,), }",
                   "{'descr': '<f4', 'fortran_order': True, 'shape': (1 L, 2L)}",
                   "{'descr': 'f4', 'fortran_order': False, 'shape': (2,)}",
                   "\f{'descr': '|f4',\f'fortran_order': False, 'shape': (2,)}"):
        write("in.npy", header_bytes(header))
        check(convert("in.npy", "out.npy") and same(np.load(path("out.npy")), np.load(path("in.npy"))), header)


def refused():
    """The rows of docs/files.md: NumPy reads each, and nablas says why it does not."""
    warnings.simplefilter("ignore")  # zipfile does not like a name twice
    array = np.arange(6, dtype="f4").reshape(2, 3)
    item, plain = ("W.npy", npy_bytes(array)), "{'descr': '<f4', 'fortran_order': False, 'shape': %s}"
    cases = [("type %s.npy" % kind, npy_bytes(array.astype(kind))) for kind in
             ("?", "f2", "u2", "u4", "u8", "c8", "c16", "S1", "U1", "M8[s]", "O", [("x", "f4")])]
    cases += [
        ("dimensions.npy", npy_bytes(np.zeros((1,) * 9))),
        ("more bytes.npy", npy_bytes(array) + b"x"),
        ("two arrays.npy", npy_bytes(array) * 2),
        ("a key twice.npy", header_bytes("{'shape': (1,), " + plain[1:] % "(2,)")),
        ("hexadecimal.npy", header_bytes(plain % "(0x2,)")),
        ("signed.npy", header_bytes(plain % "(+2,)")),
        ("comment.npy", header_bytes(plain % "(2,)" + " # two")),
        ("name.npy", header_bytes((plain % "(2,)").replace("<f4", "float32"))),
        ("twice.npz", zipped([item, item])),
        ("readme.npz", zipped([item, ("readme.txt", "no array")])),
        ("bzip2.npz", zipped([item], zipfile.ZIP_BZIP2)),
        ("LZMA.npz", zipped([item], zipfile.ZIP_LZMA)),
    ]
    objects = [{1: array}, {"W": 1.5}, {"W": np.float64(1)}, {"W": np.matrix(array)}, {"W": {"W": array}},
               [array], array, collections.OrderedDict(W=array)]
    cases += [("%s.pkl" % type(thing).__name__, pickle.dumps(thing, 4)) for thing in objects]
    cases += [("protocol %d.pkl" % i, pickle.dumps({"W": array}, i)) for i in (0, 1)]
    for name, data in cases:
        write(name, data)
        try:
            got = np.load(path(name), allow_pickle=True)
            if name.endswith(".npz"):
                got = [got[key] for key in got.files]
        except Exception as error:
            check(False, "%s: NumPy does not read it either: %s" % (name, error))
        run = subprocess.run([tool, path(name), path("out.npz")], capture_output=True, text=True)
        check(run.returncode == 1 and path(name) in run.stderr, "%s refused: %s" % (name, run.stderr))


def main():
    npy()
    refused()
    arrays = dict(samples())
    np.savez(path("in.npz"), **arrays)
    several("in.npz", arrays)
    np.savez_compressed(path("in-deflated.npz"), **arrays)
    several("in-deflated.npz", arrays)
    large = {"θ/W": np.random.RandomState(1).randn(1000, 300), "zeros": np.zeros((500, 1000), "f4")}
    np.savez_compressed(path("large.npz"), **large)
    several("large.npz", large)
    read_too(arrays)
    little = {name: native(array) for name, array in arrays.items()}
    write("in.safetensors", safetensors_bytes(little))
    several("in.safetensors", little)
    with_texts(little)
    for protocol in (2, 3, 4, 5):
        write("in.pkl", pickle.dumps(arrays, protocol))
        several("in.pkl", arrays)
        views = {"every other": np.arange(20, dtype="f4")[::2], "turned": arrays["Lf8C(3, 5)"].T}
        write("in.pkl", pickle.dumps(views, protocol))
        several("in.pkl", views)
    print("NumPy %s and nablas open each other's files: %d passed, %d failed"
          % (np.__version__, passed, failed))
    return 1 if failed else 0


sys.exit(main())
