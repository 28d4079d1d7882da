"""What a pipeline has counted, as Dataflow's API reports it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apache_beam.metrics import monitoring_infos
from apache_beam.metrics.metric import MetricResults
from apache_beam.portability.api import beam_runner_api_pb2, metrics_pb2

Update = dict[str, Any]
"""A MetricUpdate resource in JSON."""


def metric_updates(
    metrics: MetricResults,
    infos: Iterable[metrics_pb2.MonitoringInfo],
    components: beam_runner_api_pb2.Components,
) -> list[Update]:
    """The user's metrics by step, and how many elements each step has put out.

    Steps are named by their ids in the submitted pipeline, as on Dataflow: its clients know what these stand for. Each
    of the user's metrics comes twice, committed and tentative (the same at a job's end).

    Args:
        metrics: What the user's steps have counted.
        infos: What the runner has.
        components: The submitted pipeline's.
    """
    return [*_user_metrics(metrics), *_element_counts(infos, components)]


def _user_metrics(metrics: MetricResults) -> Iterator[Update]:
    found = metrics.query()
    for counter in found[MetricResults.COUNTERS]:
        yield from _twice(counter.key, "Sum", {"scalar": counter.result})
    for spread in found[MetricResults.DISTRIBUTIONS]:
        value = {field: getattr(spread.result, field) for field in ("count", "sum", "min", "max")}
        yield from _twice(spread.key, "Distribution", {"distribution": value})
    for gauge in found[MetricResults.GAUGES]:
        yield from _twice(gauge.key, "Gauge", {"gauge": {"value": gauge.result.value}})
    for strings in found[MetricResults.STRINGSETS]:
        yield from _twice(strings.key, "Set", {"set": sorted(strings.result)})


def _twice(key: Any, kind: str, value: Mapping[str, Any]) -> Iterator[Update]:
    context = {"namespace": key.metric.namespace, "step": key.step}
    for tentative in ({}, {"tentative": "true"}):
        name = {"origin": "user", "name": key.metric.name, "context": context | tentative}
        yield {"name": name, "kind": kind, "cumulative": False, **value}


def _element_counts(
    infos: Iterable[metrics_pb2.MonitoringInfo], components: beam_runner_api_pb2.Components
) -> Iterator[Update]:
    producers = {
        collection: (transform.unique_name, number)
        for transform in components.transforms.values()
        if not transform.subtransforms
        for number, collection in enumerate(transform.outputs.values())
    }
    for info in infos:
        if info.urn != monitoring_infos.ELEMENT_COUNT_URN:
            continue
        collection = info.labels.get(monitoring_infos.PCOLLECTION_LABEL, "")
        if collection not in producers:
            continue  # one that the runner has put in between
        step, number = producers[collection]
        context = {"original_name": f"{step}-out{number}-ElementCount", "output_user_name": f"{step}-out{number}"}
        count = monitoring_infos.extract_counter_value(info)
        yield from (
            {
                "name": {"origin": "dataflow/v1b3", "name": "ElementCount", "context": context | tentative},
                "scalar": count,
            }
            for tentative in ({}, {"tentative": "true"})
        )
