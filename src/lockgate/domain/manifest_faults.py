"""What can be wrong with the entries of a manifest, whoever wrote them, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lockgate.domain.digests import is_digest, is_hex
from lockgate.domain.paths import collision_faults, path_faults

if TYPE_CHECKING:
    from lockgate.domain.manifests import FileEntry, ManifestLimits, TensorEntry

INTEGER_MAX: Final = 2**53 - 1
"""The largest that every reader of JSON keeps exactly."""


def manifest_faults(files: tuple[FileEntry, ...], limits: ManifestLimits) -> list[str]:
    """Return everything that is wrong with these entries, as sentences."""
    faults: list[str] = []
    if not files:
        faults.append("there is no file; a version has at least one")
    counts = (
        ("files", len(files), limits.files_max),
        ("chunks", sum(len(file.chunks) for file in files), limits.chunks_max),
        ("tensors", sum(len(file.tensors or ()) for file in files), limits.tensors_max),
        ("bytes in all", sum(file.size for file in files), limits.total_bytes_max),
    )
    faults.extend(f"{n} {what}, more than {most}" for what, n, most in counts if n > most)
    if faults:
        return faults
    chunk_sizes: dict[str, int] = {}
    for file in files:
        faults.extend(f"{file.path[:200]!r}: {fault}" for fault in _file_faults(file, limits))
        for chunk in file.chunks:
            if chunk_sizes.setdefault(chunk.digest, chunk.size) != chunk.size:
                faults.append(f"chunk {chunk.digest} is listed with two sizes")
    paths = [file.path for file in files]
    if paths != sorted(paths):
        faults.append("the files are not sorted by path")
    return faults + collision_faults(paths)


def _file_faults(file: FileEntry, limits: ManifestLimits) -> list[str]:
    faults = path_faults(file.path, limits.paths)
    if not 0 <= file.size <= limits.file_bytes_max:
        faults.append(f"size {file.size} is not between 0 and {limits.file_bytes_max}")
    if not is_hex(file.sha256):
        faults.append("sha256 is not 64 lower-case hexadecimal digits")
    for index, chunk in enumerate(file.chunks):
        if not is_digest(chunk.digest, "blake3"):
            faults.append(f"chunk {index}: the digest is not 'blake3:' and 64 hexadecimal digits")
        if not 1 <= chunk.size <= limits.chunk_bytes_max:
            faults.append(
                f"chunk {index}: size {chunk.size} is not between 1 and {limits.chunk_bytes_max}"
            )
    total = sum(chunk.size for chunk in file.chunks)
    if total != file.size:
        faults.append(f"the chunks hold {total} bytes, the file {file.size}")
    if file.tensors is not None:
        faults.extend(_tensor_faults(file.tensors, file.size, limits))
    return faults


def _tensor_faults(
    tensors: tuple[TensorEntry, ...], file_size: int, limits: ManifestLimits
) -> list[str]:
    faults = []
    names: set[str] = set()
    end = 0
    for tensor in tensors:
        what = f"tensor {tensor.name[:100]!r}"
        if tensor.name in names:
            faults.append(f"{what} is listed twice")
        names.add(tensor.name)
        if not _is_text(tensor.name, limits.tensor_name_bytes_max):
            faults.append(f"{what}: the name is empty, too long or not Unicode")
        if not (tensor.dtype.isascii() and tensor.dtype.isidentifier() and len(tensor.dtype) <= 32):
            faults.append(f"{what}: {tensor.dtype[:32]!r} is not a dtype")
        if len(tensor.shape) > limits.rank_max or any(
            not 0 <= extent <= INTEGER_MAX for extent in tensor.shape
        ):
            faults.append(f"{what}: the shape is out of range")
        if not is_digest(tensor.digest, "blake3"):
            faults.append(f"{what}: the digest is not 'blake3:' and 64 hexadecimal digits")
        if tensor.start < end or tensor.size < 0 or tensor.start + tensor.size > file_size:
            faults.append(f"{what} overlaps its neighbour or the end of the file")
        end = max(end, tensor.start + tensor.size)
    return faults


def _is_text(text: str, bytes_max: int) -> bool:
    try:
        return 1 <= len(text.encode()) <= bytes_max
    except UnicodeEncodeError:
        return False
