#!/usr/bin/python3
"""Write test/io_fixtures.h, what NumPy writes for the arrays below, and the fuzzers' seeds.

Run by hand from the top of the repository, when a fixture is added; the results are committed.
The bytes come from NumPy 1.24 and Python 3.11, except where a comment says how they were changed.
"""

import gzip
import io
import os
import pickle
import struct
import sys
import types
import zipfile

import numpy as np

A = np.arange(6, dtype="<f4").reshape(2, 3) / 2
B = np.array([1.5, -2.0], "<f8")


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def npz(save, **arrays):
    out = io.BytesIO()
    save(out, **arrays)
    return out.getvalue()


class Stream(io.RawIOBase):
    """What cannot be sought in: sizes and CRCs come after the entries, in data descriptors."""

    def __init__(self):
        self.bytes = b""

    def writable(self):
        return True

    def write(self, data):
        self.bytes += bytes(data)
        return len(data)


def streamed(**arrays):
    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(name), npy(array))
    return out.bytes


# bsdtar --format zip of W1.npy, np.save(np.arange(6, dtype="<f4").reshape(2, 3))
BSDTAR = bytes.fromhex(
    "504b030414000800080051087c5d0000000000000000980000000600200057312e6e707955540d00072b280a6b2b280a6b2b280a6b75780b"
    "0001040000000004000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f54529498179f5f94920a12774b"
    "cc294e058a17672416a402f91a463a0ac69a3a0ab50a64032e063068b007120e4004c40d40bcc00100504b07084fe9002a55000000980000"
    "00504b0102140314000800080051087c5d4fe9002a5500000098000000060020000000000000000000a4810000000057312e6e707955540d"
    "00072b280a6b2b280a6b2b280a6b75780b000104000000000400000000504b0506000000000100010054000000a90000000000")


class NumPy2Pickler(pickle._Pickler):
    """Names the two functions as NumPy 2 does; a permuted array as NumPy 2.3 pickles it."""

    def reducer_override(self, obj):
        if not isinstance(obj, np.ndarray):
            return NotImplemented
        function, *rest = obj.__reduce_ex__(self.proto)
        if not (obj.flags.c_contiguous or obj.flags.f_contiguous):  # shape and bytes as in memory
            axes = np.argsort(obj.strides)[::-1]
            stored = obj.transpose(axes)
            back = tuple(int(axis) for axis in np.argsort(axes))
            function, (buffer, dtype, shape, _) = stored.__reduce_ex__(self.proto)
            assert (stored.reshape(shape).transpose(back) == obj).all()
            rest = [(buffer, dtype, shape, "K", back)]
        module = function.__module__.replace("numpy.core", "numpy._core")
        def stand_in(): pass  # never called: pickle writes its name

        stand_in.__module__, stand_in.__qualname__ = module, function.__name__
        home = sys.modules.setdefault(module, types.ModuleType(module))
        setattr(home, function.__name__, stand_in)
        return (stand_in, *rest)


def numpy2(obj, protocol):
    out = io.BytesIO()
    NumPy2Pickler(out, protocol).dump(obj)
    return out.getvalue()


def python2(arrays):
    """Protocol 2 as Python 2 wrote it: bytes as strings, memo from 1, no _codecs.encode."""
    count = 0

    def put(code):
        nonlocal count
        count += 1
        return code + b"q" + bytes([count])

    def string(data):
        return put(b"U" + bytes([len(data)]) + data)

    out = put(b"\x80\x02}") + b"("
    for name, array in arrays.items():
        out += string(name.encode())
        out += put(b"cnumpy.core.multiarray\n_reconstruct\n") + put(b"cnumpy\nndarray\n")
        out += put(b"K\0\x85") + string(b"b") + put(b"\x87") + put(b"R")
        out += b"(K\1" + put(b"(" + b"".join(b"K" + bytes([d]) for d in array.shape) + b"t")
        out += put(b"cnumpy\ndtype\n") + string(array.dtype.str[1:].encode())
        out += put(b"K\0K\1\x87") + put(b"R") + b"(K\3" + string(b"<")
        out += put(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0t") + b"b\x89"
        out += string(array.tobytes()) + put(b"t") + b"b"
    out += b"u."
    back = pickle.loads(out, encoding="latin1")
    assert all((back[name] == arrays[name]).all() for name in arrays)
    return out


def safetensors(text, data):
    return struct.pack("<Q", len(text)) + text + data


BOTH = {"W": A, "b": np.asfortranarray(A.astype(">f8"))}
ST = (b'{"__metadata__":{"format":"np"},"W":{"dtype":"F32","shape":[2,3],"data_offsets":[16,40]},'
      b'"b":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}')

FIXTURES = [  # name, what made it (A and B are defined at the top of the header), bytes
    ("npy_f4", "np.save(A)", npy(A)),
    ("npy_f8_big_fortran", "np.save(np.asfortranarray(A.astype('>f8')))", npy(np.asfortranarray(A.astype(">f8")))),
    ("npy_v2", "np.lib.format.write_array(A, (2, 0))", npy(A, (2, 0))),
    ("npy_v3", "np.lib.format.write_array(A, (3, 0))", npy(A, (3, 0))),
    ("npy_scalar", "np.save(np.array(2.5))", npy(np.array(2.5))),
    ("npy_empty", "np.save(np.zeros((0, 3), 'u1'))", npy(np.zeros((0, 3), "u1"))),
    ("npy_i8", "np.save(np.array([1, -2], '<i8'))", npy(np.array([1, -2], "<i8"))),
    ("npy_i2_big", "np.save(np.array([1, -2], '>i2'))", npy(np.array([1, -2], ">i2"))),
    ("npz_stored", "np.savez(W=A, b=B)", npz(np.savez, W=A, b=B)),
    ("npz_deflated", "np.savez_compressed(W=A, b=B)", npz(np.savez_compressed, W=A, b=B)),
    ("npz_streamed", "W.npy and, without the suffix, b, deflated into a stream", streamed(**{"W.npy": A, "b": B})),
    ("npz_bsdtar", "W1.npy, np.arange(6, dtype='<f4').reshape(2, 3), zipped by bsdtar", BSDTAR),
    ("safetensors_two", "written by hand: W = A, b = B, data in another order than the header", safetensors(ST, B.tobytes() + A.tobytes())),
] + [("pickle_%d" % p, "pickle.dumps({'W': A, 'b': np.asfortranarray(A.astype('>f8'))}, %d)" % p, pickle.dumps(BOTH, p)) for p in (2, 3, 4, 5)] + [
    ("pickle_numpy2_4", "the same, protocol 4, modules named as by NumPy 2", numpy2(BOTH, 4)),
    ("pickle_numpy2_5", "the same, protocol 5, modules named as by NumPy 2", numpy2(BOTH, 5)),
    ("pickle_numpy23", "{'K': np.arange(24, dtype='<i2').reshape(2, 3, 4).transpose(2, 0, 1)} as NumPy 2.3 writes it, protocol 5", numpy2({"K": np.arange(24, dtype="<i2").reshape(2, 3, 4).transpose(2, 0, 1)}, 5)),
    ("pickle_python2", "{'W': A, 'b': B} as Python 2 writes it (strings for bytes, memo from 1)", python2({"W": A, "b": B})),
    ("pickle_small_2", "pickle.dumps({'e': np.zeros((0, 3), 'u1'), 's': np.array(2.5)}, 2)", pickle.dumps({"e": np.zeros((0, 3), "u1"), "s": np.array(2.5)}, 2)),
    ("pickle_shared", "pickle.dumps({'W': A, 'tied': A}, 3)", pickle.dumps({"W": A, "tied": A}, 3)),
    ("pickle_evil", "pickle.dumps of an object whose __reduce__ is (os.system, ('true',))", b"\x80\x03cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03."),
    ("pickle_object", "pickle.dumps({'o': np.array([None])}, 3)", pickle.dumps({"o": np.array([None])}, 3)),
    ("pickle_structured", "pickle.dumps({'s': np.zeros(1, [('x', '<f4')])}, 3)", pickle.dumps({"s": np.zeros(1, [("x", "<f4")])}, 3)),
    ("pickle_half", "pickle.dumps({'h': np.zeros(2, '<f2')}, 3)", pickle.dumps({"h": np.zeros(2, "<f2")}, 3)),
    ("pickle_list", "pickle.dumps([1.5], 3)", pickle.dumps([1.5], 3)),
]

SEEDS = [  # of formats whose tests make their own files
    ("idx_u1", b"\0\0\x08\3" + struct.pack(">3I", 2, 2, 3) + bytes(range(12))),
    ("idx_f4", b"\0\0\x0d\1" + struct.pack(">I2f", 2, 1.5, -2)),
    ("idx_f8", b"\0\0\x0e\0" + struct.pack(">d", 2.5)),
    ("idx_i2_gz", gzip.compress(b"\0\0\x0b\2" + struct.pack(">2I6h", 2, 3, 0, 1, 2, -1, -2, -3), mtime=0)),
]


def header():
    yield "/* io_fixtures.h - files as NumPy writes them; made by scripts/make_io_fixtures.py.\n"
    yield " *\n * A = np.arange(6, dtype='<f4').reshape(2, 3) / 2; B = np.array([1.5, -2.0], '<f8'). */\n"
    yield "#ifndef TEST_IO_FIXTURES_H\n#define TEST_IO_FIXTURES_H\n\n/* clang-format off */\n"
    for name, what, data in FIXTURES:
        yield "/* %s */\nstatic const unsigned char %s[] = {\n" % (what, name)
        for i in range(0, len(data), 24):
            yield "    " + "".join("%d," % b for b in data[i:i + 24]) + "\n"
        yield "};\n"
    yield "/* clang-format on */\n\n#endif\n"


def main():
    with open("test/io_fixtures.h", "w") as out:
        out.writelines(header())
    for name, data in [(name, data) for name, _, data in FIXTURES] + SEEDS:
        folder = "test/fuzz/corpus/" + name.split("_")[0]
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/" + name.split("_", 1)[1], "wb") as out:
            out.write(data)


main()
