"""Container specs, and whether a launch's parameters suit them, in Dataflow's words."""

from __future__ import annotations

import pytest

from beam_pipelines.local.dataflow import template_specs
from beam_pipelines.local.dataflow.errors import ApiError
from tests.local.dataflow.conftest import SPEC

GIVEN = {"day": "2025-11-28", "output": "gs://lake/sales"}


def spec_of(**parameter):
    described = {"name": "value", "label": "Value", "helpText": "A value."} | parameter
    return template_specs.check(SPEC | {"metadata": {"name": "Sales", "parameters": [described]}}, "spec")


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ({}, ["day: Missing required parameter", "output: Missing required parameter"]),
        (
            {"output": "x", "days": "1", "streaming": "true"},
            ["day: Missing required parameter", "days: Unrecognized parameter", "streaming: Unrecognized parameter"],
        ),
        (
            GIVEN | {"day": "on 2025-11-28", "scale": "big"},
            [
                r"day: Parameter didn't match regex '\d{4}-\d\d-\d\d', got 'on 2025-11-28'",
                "scale: Parameter must be a number, got 'big'",
            ],
        ),
        (
            GIVEN | {"num_workers": "2"},
            [
                "num_workers: Runtime parameter should not be specified in both parameters field and environment field "
                "(numWorkers)"
            ],
        ),
    ],
)
def test_every_wrong_parameter_is_named_with_what_was_expected_and_what_came(given, lines):
    with pytest.raises(ApiError) as refused:
        template_specs.check_parameters(SPEC, given, {"numWorkers": 3})
    error = refused.value.body["error"]
    assert error["message"] == "\n".join(["The template parameters are invalid. Details: ", *lines])
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    (detail,) = error["details"]
    assert detail["@type"] == "type.googleapis.com/google.dataflow.v1beta3.InvalidTemplateParameters"
    assert [f"{each['parameter']}: {each['description']}" for each in detail["parameterViolations"]] == lines


def test_right_parameters_pass_and_so_do_those_of_dataflow_itself():
    template_specs.check_parameters(SPEC, GIVEN | {"scale": "1e-2"}, {"numWorkers": 3})
    template_specs.check_parameters(SPEC, GIVEN | dict.fromkeys(template_specs.RUNTIME_PARAMETERS, "1"), {})
    template_specs.check_parameters({key: SPEC[key] for key in ("image", "sdkInfo")}, {"anything": "goes"}, {})


@pytest.mark.parametrize(
    ("parameter", "right", "wrong", "expected"),
    [
        ({"paramType": "BOOLEAN"}, ["true", "False"], ["yes", "1", ""], "Parameter must be true or false"),
        ({"paramType": "NUMBER"}, ["3", "-0.5", "1e6"], ["three", "", "nan", "inf"], "Parameter must be a number"),
        (
            {"paramType": "ENUM", "enumOptions": [{"value": "avro"}, {"value": "csv"}]},
            ["avro", "csv"],
            ["Avro", "avro,csv", ""],
            "Parameter must be one of avro, csv",
        ),
        ({"regexes": ["a+", ".{2,3}"]}, ["aa", "aaa"], ["a", "aab", "aa\n"], "Parameter didn't match regex"),
    ],
)
def test_values_suit_the_type_and_match_each_regex_whole(parameter, right, wrong, expected):
    spec = spec_of(**parameter)
    for value in right:
        template_specs.check_parameters(spec, {"value": value}, {})
    for value in wrong:
        with pytest.raises(ApiError) as refused:
            template_specs.check_parameters(spec, {"value": value}, {})
        assert expected in refused.value.message
        assert refused.value.message.endswith(f", got {value!r}")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (b"{", "not JSON: Expecting property name"),
        ([], "body: expected an object, got []"),
        (SPEC | {"image": ""}, "image: expected the name of an image, got none"),
        (SPEC | {"sdkInfo": {}}, "sdkInfo.language: expected a language, got none"),
        (SPEC | {"sdkInfo": {"language": "PERL"}}, "sdkInfo.language: expected one of"),
        (SPEC | {"sdk_info": {}}, "sdk_info: unknown field"),
        (SPEC | {"metadata": {"parameters": [{"label": "x"}]}}, "metadata.parameters[0].name: expected a name"),
        (
            SPEC | {"metadata": {"parameters": [{"name": "x", "regexes": ["("]}]}},
            "metadata.parameters[0].regexes: '(' is no regular expression: missing ), unterminated subpattern",
        ),
    ],
)
def test_a_file_that_is_no_container_spec_is_refused_with_the_place(served, spec_at, spec, problem):
    path = spec_at(spec)
    with pytest.raises(ApiError) as refused:
        template_specs.read(path, served.executor.environment["STORAGE_EMULATOR_HOST"])
    assert refused.value.status == "INVALID_ARGUMENT"
    assert refused.value.message.startswith(f"Invalid template file {path}: {problem}")


def test_a_template_in_another_language_is_refused():
    with pytest.raises(ApiError, match=r"spec: sdkInfo\.language: JAVA is not supported by the local Dataflow"):
        template_specs.check(SPEC | {"sdkInfo": {"language": "JAVA"}}, "spec")


@pytest.mark.parametrize(
    ("path", "storage", "status", "message"),
    [
        ("gs://lake/no/such.json", None, "NOT_FOUND", "Unable to open template file: gs://lake/no/such.json."),
        ("gs://nowhere/x.json", None, "NOT_FOUND", "Unable to open template file: gs://nowhere/x.json."),
        ("/tmp/x.json", None, "INVALID_ARGUMENT", "expected gs://BUCKET/OBJECT, got '/tmp/x.json'"),
        ("gs://lake", None, "INVALID_ARGUMENT", "expected gs://BUCKET/OBJECT, got 'gs://lake'"),
        (
            "gs://lake/x",
            "http://127.0.0.1:9",
            "FAILED_PRECONDITION",
            "gs://lake/x: http://127.0.0.1:9 says <urlopen error [Errno 111] Connection refused>",
        ),
        ("gs://lake/x", "", "FAILED_PRECONDITION", "STORAGE_EMULATOR_HOST is not set"),
    ],
)
def test_a_spec_that_cannot_be_read_says_which_and_why(served, path, storage, status, message):
    at = served.executor.environment["STORAGE_EMULATOR_HOST"] if storage is None else storage
    with pytest.raises(ApiError) as refused:
        template_specs.read(path, at)
    assert refused.value.status == status
    assert refused.value.message.endswith(message)


def test_a_spec_is_read_without_its_nulls(served, spec_at):
    path = spec_at(SPEC | {"imageRepositoryCertPath": None})
    assert template_specs.read(path, served.executor.environment["STORAGE_EMULATOR_HOST"]) == SPEC
