"""What a file is, judged by parsing it: the formats that can be proved to hold data only.

    .safetensors .gguf       header parsed, every byte belongs to a tensor or is zero padding
    .npy                     header parsed, a plain dtype (no objects), nothing behind the array
    .json .jsonl             strict JSON, no key twice, no key that makes a loader run code
    .yaml .yml MLmodel       plain text without tags or keys that make a loader run code
    .txt .md .csv .tsv …     UTF-8 without control characters

Every other file is ``unknown``, or ``code`` where it is known to be or to name code. A file that
passes must also not be something else to another program: a pickle from its first byte, a zip
archive from its last ones.

Runs in a process of its own (see `proof`); nothing here executes, extracts or unpickles anything.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from lockgate.artifacts.pickles import TooLong, runs_as_pickle
from lockgate.domain.contents import Verdict
from lockgate.domain.gguf import parse_gguf
from lockgate.domain.tensors import Read, parse_safetensors
from lockgate.errors import InvalidInput

JSON_BYTES_MAX: Final = 64 * 2**20
TEXT_BYTES_MAX: Final = 2**30
_READ_BYTES: Final = 2**20
_NPY_HEADER_BYTES_MAX: Final = 10_000

_PROGRAM_SUFFIXES: Final = frozenset({
    ".py", ".pyc", ".pyo", ".pyd", ".pyx", ".ipynb", ".so", ".dylib", ".dll", ".exe", ".com",
    ".bat", ".cmd", ".ps1", ".sh", ".bash", ".zsh", ".js", ".mjs", ".ts", ".wasm", ".jar",
    ".class", ".rb", ".pl", ".php", ".lua", ".r", ".jl", ".go", ".rs", ".c", ".cc", ".cpp", ".h",
    ".cu", ".ptx", ".cubin", ".ko", ".html", ".htm", ".svg", ".xml", ".xhtml", ".whl", ".egg",
})  # fmt: skip
_PICKLE_SUFFIXES: Final = frozenset({
    ".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".pt", ".pth", ".torch", ".p",
})  # fmt: skip
_PROGRAM_NAMES: Final = frozenset({
    "makefile", "dockerfile", "setup.cfg", ".pth",
})  # fmt: skip
_TEXT_SUFFIXES: Final = frozenset({
    ".txt", ".md", ".markdown", ".rst", ".csv", ".tsv", ".toml", ".log",
})  # fmt: skip
_TEXT_NAMES: Final = frozenset({
    "license", "notice", "readme", "changelog", "authors", "copying", ".gitattributes",
    ".gitignore",
})  # fmt: skip

# Keys whose presence makes a loader import or call what the file names.
_CODE_KEYS: Final = frozenset({
    "auto_map", "custom_pipelines", "custom_pipeline", "_target_", "py/object", "py/reduce",
    "py/function", "py/type",
})  # fmt: skip
_MAGIC: Final = (
    (b"\x7fELF", "an ELF program"),
    (b"#!", "a script"),
    (b"\xfe\xed\xfa\xce", "a Mach-O program"),
    (b"\xfe\xed\xfa\xcf", "a Mach-O program"),
    (b"\xce\xfa\xed\xfe", "a Mach-O program"),
    (b"\xcf\xfa\xed\xfe", "a Mach-O program"),
    (b"\xca\xfe\xba\xbe", "a Java class or Mach-O program"),
    (b"\0asm", "a WebAssembly program"),
)


@dataclass(frozen=True)
class Judgement:
    """A verdict, the format a file was parsed as (or empty), and why, in one sentence."""

    verdict: Verdict
    format: str
    reason: str


class _Refused(Exception):
    """The file is not what it must be; carries the judgement."""

    def __init__(self, reason: str, verdict: Verdict = Verdict.UNKNOWN) -> None:
        super().__init__(reason)
        self.judgement = Judgement(verdict, "", reason)


def judge(path: str, read: Read, size: int) -> Judgement:
    """Return what the file at ``path`` is, from its name and all that matters of its bytes."""
    name = PurePosixPath(path.lower()).name
    suffix = PurePosixPath(name).suffix
    try:
        _refuse_code(name, suffix, read)
        prove, form = _find_proof(name, suffix)
        prove(read, size)
        _refuse_double_meaning(read, size)
    except _Refused as refused:
        return refused.judgement
    except InvalidInput as error:
        return Judgement(Verdict.UNKNOWN, "", str(error))
    except TooLong:
        return Judgement(Verdict.UNKNOWN, "", "Its opcodes as a pickle do not come to an end.")
    return Judgement(Verdict.DATA_ONLY, form, f"Parsed end to end as {form}.")


def _refuse_code(name: str, suffix: str, read: Read) -> None:
    if suffix in _PICKLE_SUFFIXES:
        raise _Refused(f"Files named {suffix} are loaded as pickles, which run code.", Verdict.CODE)
    if suffix in _PROGRAM_SUFFIXES or name in _PROGRAM_NAMES:
        raise _Refused("Its name says that it is a program.", Verdict.CODE)
    head = read(0, 64)
    for magic, what in _MAGIC:
        if head.startswith(magic):
            raise _Refused(f"It is {what}.", Verdict.CODE)
    if head.startswith(b"MZ") and b"\0" in head:
        raise _Refused("It is a Windows program.", Verdict.CODE)
    # A safetensors file may begin so too, with a length; what it is else is found out later.
    if suffix != ".safetensors" and len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        raise _Refused("It is a pickle, which runs code when it is loaded.", Verdict.CODE)


def _find_proof(name: str, suffix: str) -> tuple[Callable[[Read, int], None], str]:
    if name == "mlmodel" or suffix in (".yaml", ".yml"):
        return _prove_yaml, "yaml"
    if suffix in _TEXT_SUFFIXES or name in _TEXT_NAMES:
        return _prove_text, "text"
    proofs: dict[str, tuple[Callable[[Read, int], None], str]] = {
        ".safetensors": (_prove_safetensors, "safetensors"),
        ".gguf": (_prove_gguf, "gguf"),
        ".npy": (_prove_npy, "npy"),
        ".json": (_prove_json, "json"),
        ".jsonl": (_prove_json_lines, "jsonl"),
    }
    if suffix not in proofs:
        raise _Refused(f"No format that can be proved is named {suffix or name!r}.")
    return proofs[suffix]


# --- tensors and arrays ----------------------------------------------------------------------


def _prove_safetensors(read: Read, size: int) -> None:
    _refuse_programs_in(parse_safetensors(read, size).strings)


def _prove_gguf(read: Read, size: int) -> None:
    _refuse_programs_in(parse_gguf(read, size).strings)


_NPY_DTYPE: Final = re.compile(
    r"[<>|=]?(?:(b)1|([iu])([1248])|(f)(2|4|8|16)|(c)(8|16|32)|([SU])(\d{1,7}))"
)
_NPY_HEADER: Final = re.compile(
    r"\{'descr': '([^'\\]{1,20})', 'fortran_order': (?:True|False), "
    r"'shape': \(((?:\d{1,19}(?:, ?\d{1,19})*,?)?)\),? *\} *\n"
)


def _prove_npy(read: Read, size: int) -> None:
    prefix = read(0, 12)
    if len(prefix) < 10 or prefix[:6] != b"\x93NUMPY" or prefix[6] not in (1, 2, 3):
        raise _Refused("It is not a NumPy array file.")
    length_bytes = 2 if prefix[6] == 1 else 4
    start = 8 + length_bytes
    length = int.from_bytes(prefix[8:start], "little")
    if length > _NPY_HEADER_BYTES_MAX:
        raise _Refused("Its header is too long for a plain array.")
    header = _NPY_HEADER.fullmatch(read(start, length).decode("latin-1"))
    dtype = _NPY_DTYPE.fullmatch(header[1]) if header else None
    if header is None or dtype is None:
        raise _Refused("Its header does not describe a plain array (objects are pickles).")
    extents = [int(extent) for extent in header[2].replace(" ", "").split(",") if extent]
    item_bytes = int(dtype[3] or dtype[5] or dtype[7] or dtype[9] or 1)
    item_bytes *= 4 if dtype[8] == "U" else 1
    if start + length + math.prod(extents) * item_bytes != size:
        raise _Refused("The array is not all that follows the header.")


# --- text ------------------------------------------------------------------------------------

_CONTROLS: Final = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
_CONTROLS_2: Final = re.compile(rb"\xc2[\x80-\x9f]")


def _prove_text(read: Read, size: int) -> None:
    """Accept UTF-8 without control characters; also how other text formats begin their proof."""
    if size > TEXT_BYTES_MAX:
        raise _Refused(f"It is longer than {TEXT_BYTES_MAX} bytes of text.")
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, size, _READ_BYTES):
        data = read(start, min(_READ_BYTES, size - start))
        if len(data.translate(None, _CONTROLS)) != len(data) or _CONTROLS_2.search(data):
            raise _Refused("It holds control characters, so it is not plain text.")
        try:
            decoder.decode(data, final=start + _READ_BYTES >= size)
        except UnicodeDecodeError as error:
            raise _Refused("It is not UTF-8 text.") from error


def _prove_json(read: Read, size: int) -> None:
    value = _load_json(_whole(read, size))
    if not isinstance(value, (dict, list)):
        raise _Refused("It is a JSON value but neither an object nor an array.")
    _refuse_code_in(value)


def _prove_json_lines(read: Read, size: int) -> None:
    for line in _whole(read, size).split(b"\n"):
        if line.strip():
            _refuse_code_in(_load_json(line))


# Anywhere in the text: YAML has too many ways to write a key to look for one.
_YAML_CODE: Final = re.compile(
    r"!!?python/|trust_remote_code|" + "|".join(map(re.escape, sorted(_CODE_KEYS)))
)
_YAML_ESCAPE: Final = re.compile(r"\\[xuU]")
_YAML_TAG: Final = re.compile(r"(?:^|[\s,\[{:-])[!%]", re.MULTILINE)


def _prove_yaml(read: Read, size: int) -> None:
    _prove_text(read, size)
    text = _whole(read, size).decode()
    if _YAML_CODE.search(text):
        raise _Refused("It names code that its loader would run.", Verdict.CODE)
    if _YAML_TAG.search(text):
        raise _Refused("It has YAML tags or directives, which may construct any object.")
    if _YAML_ESCAPE.search(text):
        raise _Refused("It has YAML escapes, which may spell such words in other ways.")


def _whole(read: Read, size: int) -> bytes:
    if size > JSON_BYTES_MAX:
        raise _Refused(f"It is longer than {JSON_BYTES_MAX} bytes, too long to parse.")
    parts = [read(at, min(_READ_BYTES, size - at)) for at in range(0, size, _READ_BYTES)]
    return b"".join(parts)


def _load_json(data: bytes) -> Any:
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_unique_keys, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError) as error:
        raise _Refused(f"It is not strict JSON: {str(error)[:100]}.") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key occurs twice in one object")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _refuse_code_in(value: Any) -> None:
    """Walk a JSON value without recursion; refuse what makes a loader run code."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            named = _CODE_KEYS & item.keys()
            if named:
                raise _Refused(
                    f"Its key {min(named)!r} names code that a loader would run.", Verdict.CODE
                )
            if item.get("trust_remote_code") is True or item.get("class_name") == "Lambda":
                raise _Refused("It asks its loader to run code.", Verdict.CODE)
            _refuse_programs_in({k: v for k, v in item.items() if isinstance(v, str)})
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)


# Underscores in pairs, also when spelled by escapes, and the filter that takes a name as text.
_INTERNALS: Final = re.compile(r"__|\\[xuUN0-7]|\|\s*attr\b")


def _refuse_programs_in(strings: dict[str, str]) -> None:
    """Refuse chat templates that reach for the insides of Python objects."""
    for key, text in strings.items():
        if ("{{" in text or "{%" in text) and _INTERNALS.search(text):
            raise _Refused(f"Its template {key[:60]!r} reaches for Python internals.", Verdict.CODE)


# --- one file, one meaning -------------------------------------------------------------------


def _refuse_double_meaning(read: Read, size: int) -> None:
    if runs_as_pickle(read, size):
        raise _Refused("It is also a pickle that would run code.", Verdict.CODE)
    if _is_zip(read, size):
        raise _Refused("It is also a zip archive.")
    if read(257, 5) == b"ustar":
        raise _Refused("It is also a tar archive.")


def _is_zip(read: Read, size: int) -> bool:
    """Tell whether an archiver would find a central directory at the end of the file."""
    start = max(0, size - 65_557 - 20)
    tail = read(start, size - start)
    found = tail.rfind(b"PK\x05\x06")
    while found >= 0:
        record = tail[found : found + 22]
        if len(record) == 22:
            (directory_bytes,) = struct.unpack("<I", record[12:16])
            directory = start + found - directory_bytes
            if tail[max(0, found - 20) :].startswith(b"PK\x06\x07"):
                return True
            if directory >= 0 and read(directory, 4) in (b"PK\x01\x02", b"PK\x05\x06"):
                return True
        found = tail.rfind(b"PK\x05\x06", 0, found)
    return False
