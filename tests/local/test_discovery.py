"""Bodies checked against Google's discovery documents."""

from __future__ import annotations

import pytest

from beam_pipelines.local.discovery import Discovery

DATAFLOW = Discovery("dataflow.v1b3")
CONFORMING = [
    {},
    {"name": None, "labels": {"team": "retail"}, "type": "JOB_TYPE_BATCH"},
    {"environment": {"sdkPipelineOptions": {"options": {"scale": 0.1, "any": [{"thing": None}]}, "display_data": []}}},
    {"environment": {"workerPools": [{"numWorkers": 2, "diskSizeGb": "30"}]}},
    {"steps": [{"properties": {"user_name": "Read", "anything": {"goes": ["here"]}}}]},
    {"createTime": "2025-11-28T00:00:00Z", "satisfiesPzs": True},
]
WRONG = [
    ({"nam": "sales"}, "nam: unknown field"),
    ([], "body: expected an object, got []"),
    ({"labels": {"team": 1}}, "labels.team: expected string, got 1"),
    ({"labels": ["team"]}, "labels: expected an object, got ['team']"),
    ({"stepsLocation": 7}, "stepsLocation: expected string, got 7"),
    ({"environment": {"workerPools": {}}}, "environment.workerPools: expected an array, got {}"),
    ({"environment": {"workerPools": [{}, {"numWorker": 2}]}}, "environment.workerPools[1].numWorker: unknown field"),
    *(
        (
            {"environment": {"workerPools": [{name: value}]}},
            f"environment.workerPools[0].{name}: expected {kind}, got {value}",
        )
        for name, kind in [("numWorkers", "int32"), ("diskProvisionedIops", "int64")]
        for value in [1.5, float("inf")]
    ),
    ({"type": 1}, "type: expected string, got 1"),
    ({"type": "BATCH"}, "type: expected one of JOB_TYPE_UNKNOWN, JOB_TYPE_BATCH, JOB_TYPE_STREAMING, got 'BATCH'"),
]


@pytest.mark.parametrize("body", CONFORMING)
def test_conforming(body):
    assert DATAFLOW.check("Job", body) == []


@pytest.mark.parametrize(("body", "problem"), WRONG)
def test_wrong(body, problem):
    assert DATAFLOW.check("Job", body) == [problem]


def test_enums_by_number_where_the_request_says_so():
    assert DATAFLOW.check("Job", {"type": 1, "currentState": 4}, numbered_enums=True) == []
    assert DATAFLOW.check("Job", {"type": "JOB_TYPE_BATCH"}, numbered_enums=True) == []
    assert DATAFLOW.check("Job", {"type": 3}, numbered_enums=True) == ["type: expected a number from 0 to 2, got 3"]
    assert DATAFLOW.check("Job", {"type": True}, numbered_enums=True) == ["type: expected string, got True"]


@pytest.mark.parametrize(
    ("api", "base"), [("dataflow.v1b3", "http://host:1/"), ("bigquery.v2", "http://host:1/bigquery/v2/")]
)
def test_described_at_another_address(api, base):
    served = Discovery(api).served_at("http://host:1")
    assert (served["rootUrl"], served["baseUrl"]) == ("http://host:1/", base)
    assert served["schemas"] == Discovery(api).document["schemas"]
