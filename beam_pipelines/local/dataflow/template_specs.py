"""Flex Templates: the container spec that a launch names, and whether the launch's parameters suit it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

from beam_pipelines.local.dataflow import storage_objects
from beam_pipelines.local.dataflow.enums import canonical
from beam_pipelines.local.dataflow.errors import ApiError, invalid, not_found, refused, unsupported
from beam_pipelines.local.discovery import Discovery

Document = dict[str, Any]

# What Dataflow takes among a template's parameters though no template declares it: the names of Beam's own options.
# The environment's field beside each means the same.
RUNTIME_PARAMETERS: Mapping[str, str] = {
    "autoscaling_algorithm": "autoscalingAlgorithm",
    "dataflow_kms_key": "kmsKeyName",
    "enable_streaming_engine": "enableStreamingEngine",
    "experiments": "additionalExperiments",
    "machine_type": "machineType",
    "max_num_workers": "maxWorkers",
    "network": "network",
    "no_use_public_ips": "ipConfiguration",
    "num_workers": "numWorkers",
    "sdk_container_image": "sdkContainerImage",
    "service_account_email": "serviceAccountEmail",
    "staging_location": "stagingLocation",
    "subnetwork": "subnetwork",
    "temp_location": "tempLocation",
}
_VIOLATIONS = "type.googleapis.com/google.dataflow.v1beta3.InvalidTemplateParameters"


def read(path: str, storage: str) -> Document:
    """Reads a container spec from Cloud Storage; an ApiError if there is none or it is not one.

    Args:
        path: ``gs://BUCKET/OBJECT``.
        storage: where Cloud Storage's JSON API is: ``http://127.0.0.1:PORT``.
    """
    if not re.fullmatch(r"gs://[^/]+/.+", path):
        raise invalid(f"launchParameter.containerSpecGcsPath: expected gs://BUCKET/OBJECT, got {path!r}")
    unable = f"Unable to open template file: {path}"
    if not storage:
        raise refused(f"{unable}: STORAGE_EMULATOR_HOST is not set")
    try:
        content = storage_objects.read(path, storage)
    except OSError as error:
        if isinstance(error, HTTPError) and error.code == HTTPStatus.NOT_FOUND:
            raise not_found(f"{unable}.") from None
        raise refused(f"{unable}: {storage} says {error}") from error
    return parse(content, path)


def parse(content: bytes, path: str) -> Document:
    """What a container spec's file holds; an ApiError that names the place if that is no container spec."""
    try:
        spec = json.loads(content)
    except ValueError as error:
        raise invalid(f"Invalid template file {path}: not JSON: {error}") from None
    return check(spec, f"Invalid template file {path}")


def check(spec: Any, prefix: str) -> Document:
    """Gives back a container spec without its nulls, or raises an ApiError that begins with ``prefix``."""
    discovery, schema = Discovery("dataflow.v1b3"), "ContainerSpec"
    problems = discovery.check(schema, spec, numbered_enums=True)
    if not problems:
        spec = canonical(discovery.document["schemas"], {"$ref": schema}, spec or {})
        problems = list(_missing(spec))
    if problems:
        raise invalid(f"{prefix}: " + "; ".join(problems))
    if (language := spec["sdkInfo"]["language"]) != "PYTHON":
        raise unsupported(f"{prefix}: sdkInfo.language: {language}")
    checked: Document = spec
    return checked


def _missing(spec: Mapping[str, Any]) -> Iterator[str]:
    """What the discovery document does not say: which fields a spec needs, and that its regexes are some."""
    if not spec.get("image"):
        yield "image: expected the name of an image, got none"
    if not spec.get("sdkInfo", {}).get("language"):
        yield "sdkInfo.language: expected a language, got none"
    for index, parameter in enumerate(_declared(spec)):
        if not parameter.get("name"):
            yield f"metadata.parameters[{index}].name: expected a name, got none"
        for regex in parameter.get("regexes", ()):
            try:
                re.compile(regex)
            except re.error as error:
                yield f"metadata.parameters[{index}].regexes: {regex!r} is no regular expression: {error}"


def _declared(spec: Mapping[str, Any]) -> list[Document]:
    declared: list[Document] = spec.get("metadata", {}).get("parameters", [])
    return declared


def check_parameters(spec: Mapping[str, Any], given: Mapping[str, str], environment: Mapping[str, Any]) -> None:
    """Raises an ApiError that names every parameter of a launch that does not suit the template.

    The wording is Dataflow's; what came stands behind it. A spec without metadata declares nothing and takes anything.

    Args:
        spec: a container spec.
        given: the launch's parameters.
        environment: the launch's own FlexTemplateRuntimeEnvironment.
    """
    if not spec.get("metadata"):
        return
    declared = {parameter["name"]: parameter for parameter in _declared(spec)}
    problems = {name: _problem(parameter, given.get(name)) for name, parameter in declared.items()}
    problems |= {name: _undeclared(name, environment) for name in given if name not in declared}
    violations = [{"parameter": name, "description": problem} for name, problem in problems.items() if problem]
    if violations:
        lines = "".join(f"\n{each['parameter']}: {each['description']}" for each in violations)
        details = {"@type": _VIOLATIONS, "parameterViolations": violations}
        raise ApiError("INVALID_ARGUMENT", f"The template parameters are invalid. Details: {lines}", [details])


def _undeclared(name: str, environment: Mapping[str, Any]) -> str:
    if name not in RUNTIME_PARAMETERS:
        return "Unrecognized parameter"
    if RUNTIME_PARAMETERS[name] in environment:
        field = f"environment field ({RUNTIME_PARAMETERS[name]})"
        return f"Runtime parameter should not be specified in both parameters field and {field}"
    return ""


def _problem(parameter: Mapping[str, Any], value: str | None) -> str:
    if value is None:
        return "" if parameter.get("isOptional") else "Missing required parameter"
    for regex in parameter.get("regexes", ()):
        if not re.fullmatch(regex, value):
            return f"Parameter didn't match regex '{regex}', got {value!r}"
    expected = _expected(parameter, value)
    return f"Parameter must be {expected}, got {value!r}" if expected else ""


def _expected(parameter: Mapping[str, Any], value: str) -> str:
    """What the parameter's type wants, if the value is not that."""
    kind = parameter.get("paramType")
    if kind == "BOOLEAN" and value.lower() not in ("true", "false"):
        return "true or false"
    if kind == "NUMBER" and not _is_number(value):
        return "a number"
    if kind == "ENUM":
        options = [option.get("value", "") for option in parameter.get("enumOptions", ())]
        if value not in options:
            return f"one of {', '.join(options)}"
    return ""


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
