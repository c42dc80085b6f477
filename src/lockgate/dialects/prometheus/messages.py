"""What remote write sends: a protocol buffer, compressed with Snappy.

WriteRequest   1: repeated TimeSeries        (metadata and more are not looked at)
TimeSeries     1: repeated Label, 2: repeated Sample
Label          1: name, 2: value
Sample         1: value (double), 2: timestamp (milliseconds since 1970)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from lockgate.errors import InvalidInput, InvalidSetting, LimitExceeded

PLAIN_BYTES_MAX = 32_000_000
SERIES_MAX = 50_000
_NOT_SO = "The body is a prometheus.WriteRequest, compressed with Snappy's block format"


def read_series(body: bytes) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Yield the labels and the samples (milliseconds, value) of each series of a request.

    Raises `InvalidInput`, `LimitExceeded`, and `InvalidSetting` where the libraries are missing.
    """
    plain = _decompressed(body)
    from google.protobuf.message import DecodeError

    request = _message()()
    try:
        request.ParseFromString(plain)
    except DecodeError:
        raise InvalidInput(detail=_NOT_SO, field="body") from None
    if len(request.timeseries) > SERIES_MAX:
        raise LimitExceeded(
            what="The number of series", observed=len(request.timeseries), limit=SERIES_MAX
        )
    for series in request.timeseries:
        labels = {label.name: label.value for label in series.labels}
        yield labels, [(sample.timestamp, sample.value) for sample in series.samples]


def _decompressed(body: bytes) -> bytes:
    try:
        from cramjam import DecompressionError, snappy
    except ImportError:
        raise InvalidSetting(
            setting="dialects",
            detail="remote write needs two libraries: install lockgate[prometheus]",
        ) from None
    try:
        # It is told at the beginning, and is all that is made room for.
        size = snappy.decompress_raw_len(body)
        if size > PLAIN_BYTES_MAX:
            raise LimitExceeded(what="The body, decompressed", observed=size, limit=PLAIN_BYTES_MAX)
        return bytes(snappy.decompress_raw(body))
    except DecompressionError:
        raise InvalidInput(detail=_NOT_SO, field="body") from None


@cache
def _message() -> Any:
    """Return the class of a WriteRequest, from its description."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="lockgate/prometheus.proto", package="lockgate.prometheus", syntax="proto3"
    )
    shapes: dict[str, list[tuple[str, int, int, str]]] = {
        "Label": [("name", 1, field.TYPE_STRING, ""), ("value", 2, field.TYPE_STRING, "")],
        "Sample": [("value", 1, field.TYPE_DOUBLE, ""), ("timestamp", 2, field.TYPE_INT64, "")],
        "TimeSeries": [
            ("labels", 1, field.TYPE_MESSAGE, "Label"),
            ("samples", 2, field.TYPE_MESSAGE, "Sample"),
        ],
        "WriteRequest": [("timeseries", 1, field.TYPE_MESSAGE, "TimeSeries")],
    }
    for name, fields in shapes.items():
        shape = file.message_type.add(name=name)
        for title, number, kind, of in fields:
            added = shape.field.add(name=title, number=number, type=kind)
            added.label = field.LABEL_REPEATED if of else field.LABEL_OPTIONAL
            if of:
                added.type_name = f".{file.package}.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{file.package}.WriteRequest")
    return message_factory.GetMessageClass(found)
