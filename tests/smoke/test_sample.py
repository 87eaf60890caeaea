"""The sample file, judged by a reader that is not ours."""

from __future__ import annotations

import io

import fastavro

from installer.smoke.sample import RECORD_TYPE, steps_file

NOW = 1_795_000_000_123


def test_another_reader_finds_one_record_of_the_kind_the_api_accepts() -> None:
    name, content = steps_file(NOW, "marker")
    reader = fastavro.reader(io.BytesIO(content))
    records = list(reader)
    schema = reader.writer_schema
    assert isinstance(schema, dict)
    assert schema["name"] == RECORD_TYPE
    assert name.endswith(".avro")
    assert records == [
        {
            "metadata": {"id": "marker"},
            "startTimeEpochMillis": NOW - 3_600_000,
            "endTimeEpochMillis": NOW,
            "startZoneOffsetId": "+00:00",
            "endZoneOffsetId": "+00:00",
            "count": 42,
            "appRecordFetchTimeEpochMillis": NOW,
        }
    ]


def test_two_files_are_never_alike_so_that_none_counts_as_a_duplicate() -> None:
    assert steps_file(NOW, "a")[1] != steps_file(NOW, "b")[1]
