"""Model files that are not what they seem: none of them may ever be called data only."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from typing import Any

import numpy as np
import safetensors.numpy


class Payload:
    """What a hostile pickle holds."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("true",))


def npy(array: np.ndarray[Any, Any], *, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version, allow_pickle=True)
    return file.getvalue()


def zipped(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in names.items():
            archive.writestr(name, data)
    return file.getvalue()


def tarred(data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("x")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def gguf(template: str = "") -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    head += text("tokenizer.chat_template") + struct.pack("<I", 8) + text(template)
    head += text("w") + struct.pack("<IQIQ", 1, 4, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(16)


TENSORS = safetensors.numpy.save({"w": np.arange(1000, dtype=np.float32)})
EVIL = pickle.dumps(Payload())
EVIL_TEXT = pickle.dumps(Payload(), protocol=0)


def polyglot() -> bytes:
    """A valid safetensors file whose first bytes are also a pickle that imports and calls.

    The header's length begins with 'X', which skips into a text of the header; there a chain of
    'U', each skipping up to 126 characters, leads into the bytes of the tensor.
    """
    length = 0x1958
    head = '{"__metadata__":{"a":"'
    tail = '"},"w":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}'
    assert 5 + (length >> 8) == 8 + len(head)
    hops = [100] * 62 + [60, 78]
    chain = "".join("U" + chr(hop) + "x" * hop for hop in hops)
    header = head + chain[: -len(tail)] + tail
    assert len(header) == length
    body = b"cos\nsystem\n(S'true'\ntR.".ljust(64)
    return struct.pack("<Q", length) + header.encode() + body


CODE_OR_UNKNOWN: dict[str, tuple[str, bytes]] = {
    # a pickle under another name
    "pickle.safetensors": ("a.safetensors", EVIL),
    "pickle.onnx": ("a.onnx", EVIL),
    "pickle.gguf": ("a.gguf", EVIL),
    "pickle.json": ("a.json", EVIL),
    "pickle.txt": ("a.txt", EVIL),
    "pickle.npy": ("a.npy", EVIL),
    "pickle.md": ("README.md", EVIL),
    "text pickle.txt": ("a.txt", EVIL_TEXT),
    "text pickle.csv": ("a.csv", EVIL_TEXT),
    "text pickle.json": ("a.json", EVIL_TEXT),
    "text pickle.yaml": ("a.yaml", EVIL_TEXT),
    "text pickle, LICENSE": ("LICENSE", EVIL_TEXT),
    "text pickle, broken tail": ("a.txt", EVIL_TEXT[:-1] + b"\nand words, no stop"),
    "text pickle, old class": ("a.txt", b"(S'true'\nios\nsystem\n."),
    "text pickle, import only": ("a.txt", b"cantigravity\nfly\n."),
    "text pickle, behind ops": ("a.txt", b"(((0(S'x'\n0cos\nsystem\n(S'true'\ntR."),
    "endless opcodes": ("a.txt", b"(" * 300_000 + EVIL_TEXT),
    # containers
    "gz": ("a.json", gzip.compress(b"{}")),
    "xz": ("a.txt", lzma.compress(b"{}")),
    "zlib": ("a.txt", zlib.compress(EVIL)),
    "tar": ("a.safetensors", tarred(EVIL)),
    "tar.txt": ("a.txt", tarred(b"text")),
    "zip": ("a.safetensors", zipped({"data.pkl": EVIL})),
    "nested zip": ("a.npy", zipped({"in.zip": zipped({"data.pkl": EVIL})})),
    "npz": ("a.npz", zipped({"a.npy": npy(np.arange(3))})),
    "two pickles": ("a.safetensors", pickle.dumps(1) + EVIL),
    "junk, then pickle": ("a.bin", b"junk" + EVIL),
    "broken tail": ("a.safetensors", EVIL[:-1] + b"\xff\xff"),
    # objects
    "npy objects": ("a.npy", npy(np.array([Payload()], dtype=object))),
    "npy structured": ("a.npy", npy(np.zeros(2, dtype=[("a", "f4")]))),
    "npy trailing": ("a.npy", npy(np.arange(3)) + b"x"),
    "npy short": ("a.npy", npy(np.arange(3))[:-1]),
    "npy code in header": ("a.npy", b"\x93NUMPY\x01\x00\x0d\x00" + b"__import__()\n"),
    "joblib": ("a.joblib", b""),
    # keras
    "keras": ("a.keras", zipped({"config.json": b"{}"})),
    "keras lambda": ("config.json", b'{"config": {"layers": [{"class_name": "Lambda"}]}}'),
    "h5": ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
    # safetensors that lie
    "header over file": ("a.safetensors", struct.pack("<Q", 10**6) + b"{}"),
    "header over 100 MB": ("a.safetensors", struct.pack("<Q", 10**9) + b"{}"),
    "trailing": ("a.safetensors", TENSORS + b"x"),
    "trailing zip": ("a.safetensors", TENSORS + zipped({"a": b""})),
    "cut": ("a.safetensors", TENSORS[:-1]),
    "duplicate key": ("a.safetensors", struct.pack("<Q", 15) + b'{"a":{},"a":{}}'),
    "safetensors, wrong name": ("a.bin", TENSORS),
    "safetensors as gguf": ("a.gguf", TENSORS),
    "safetensors also pickle": ("a.safetensors", polyglot()),
    "gguf past the end": ("a.gguf", gguf()[:-1]),
    "gguf counts": ("a.gguf", b"GGUF" + struct.pack("<IQQ", 3, 2**62, 2**62)),
    "gguf template": ("a.gguf", gguf("{{ ''.__class__.__mro__ }}")),
    "onnx": ("model.onnx", b"\x08\x07\x12\x04test"),
    "onnx, external": ("m.onnx", b"\x08\x07*\x1a\x0a\x08location\x12\x0e../../etc/hosts"),
    # code beside weights
    "auto_map": ("config.json", b'{"auto_map": {"AutoModel": "modeling.Model"}}'),
    "auto_map, deep": ("config.json", b'{"a": [[{"b": {"auto_map": {}}}]]}'),
    "auto_map, escaped": ("config.json", b'{"\\u0061uto_map": {}}'),
    "trust": ("config.json", b'{"trust_remote_code": true}'),
    "target": ("config.yaml", b"model:\n  _target_: os.system\n"),
    "target in odd yaml": ("config.yaml", b"? _target_ # x\n: os.system\n"),
    "yaml escape": ("config.yaml", b'"\\x5ftarget_": os.system\n'),
    "yaml tag": ("a.yaml", b"!!python/object/apply:os.system ['true']\n"),
    "yaml tag short": ("a.yaml", b"%TAG ! tag:yaml.org,2002:\n---\na: !python/name:os []"),
    "yaml tag in flow": ("a.yml", b"{a: [!<tag:yaml.org,2002:python/object:x> 1]}"),
    "template": ("tokenizer_config.json", b'{"chat_template": "{{ x.__init__.__globals__ }}"}'),
    "template, escaped": ("a.json", rb'{"t": "{{ x|attr(\\"\\\\x5f\\") }}"}'),
    "template in a list": ("a.json", b'{"t": [{"template": "{% set a = x.__class__ %}"}]}'),
    "py": ("modeling.py", b"x = 1\n"),
    "notebook": ("a.ipynb", b"{}"),
    "html": ("card.html", b"<p>hello</p>"),
    "svg": ("logo.svg", b"<svg/>"),
    # programs
    "elf": ("a.txt", b"\x7fELF" + bytes(100)),
    "pe": ("a.txt", b"MZ" + bytes(100)),
    "shebang": ("a.txt", b"#!/bin/sh\ntrue\n"),
    "shebang, no suffix": ("run", b"#!/bin/sh\ntrue\n"),
    # json that is not
    "json twice": ("a.json", b'{"a": 1, "a": 2}'),
    "json nan": ("a.json", b'{"a": NaN}'),
    "json scalar": ("a.json", b"3"),
    "json deep": ("a.json", b"[" * 100_000 + b"]" * 100_000),
    "json digits": ("a.json", b"[" + b"9" * 5000 + b"]"),
    "json trailing": ("a.json", b"{} {}"),
    "json bom": ("a.json", b"\xef\xbb\xbf{}"),
    "utf-16": ("a.txt", "text".encode("utf-16")),
    "latin-1": ("a.txt", b"caf\xe9"),
    "cut utf-8": ("a.txt", "é".encode()[:1]),
    "nul": ("a.txt", b"a\0b"),
    "escape": ("a.txt", b"\x1b]0;title\x07"),
    "c1": ("a.txt", "\x9b31m".encode()),
    "unknown name": ("a.xyz", b"text"),
}  # fmt: skip
