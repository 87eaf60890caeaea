"""A small Avro file as the phone app sends it, made anew for every try.

After the Avro specification 1.12 (object container files, null codec, zig-zag integers):
https://avro.apache.org/docs/1.12.0/specification/
"""

from __future__ import annotations

import json
import secrets

_FIELDS = (
    ("startTimeEpochMillis", "long"),
    ("endTimeEpochMillis", "long"),
    ("startZoneOffsetId", "string"),
    ("endZoneOffsetId", "string"),
    ("count", "long"),
    ("appRecordFetchTimeEpochMillis", "long"),
)
RECORD_TYPE = "AvroStepsRecord"
_HOUR = 3_600_000


def steps_file(now_ms: int, marker: str) -> tuple[str, bytes]:
    """Name and content of a file with one record of steps.

    `now_ms` is the time in milliseconds since 1970; `marker` makes each file another one, since the
    same content twice counts as a duplicate.
    """
    schema = {
        "type": "record",
        "name": RECORD_TYPE,
        "fields": [
            {"name": "metadata", "type": _METADATA},
            *({"name": name, "type": kind} for name, kind in _FIELDS),
        ],
    }
    times = _number(now_ms - _HOUR) + _number(now_ms)
    record = _text(marker) + times + _text("+00:00") * 2 + _number(42) + _number(now_ms)
    return f"StepsRecord_{now_ms}.avro", _container(schema, record)


_METADATA = {
    "type": "record",
    "name": "AvroMetadata",
    "fields": [{"name": "id", "type": "string"}],
}


def _container(schema: object, record: bytes) -> bytes:
    marker = secrets.token_bytes(16)
    header = {"avro.schema": json.dumps(schema).encode(), "avro.codec": b"null"}
    pairs = b"".join(_text(key) + _bytes(value) for key, value in header.items())
    block = _number(1) + _number(len(record)) + record
    return b"Obj\x01" + _number(len(header)) + pairs + _number(0) + marker + block + marker


def _number(value: int) -> bytes:
    rest = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes((*encoded, rest))


def _bytes(value: bytes) -> bytes:
    return _number(len(value)) + value


def _text(value: str) -> bytes:
    return _bytes(value.encode())
