"""The templates' metadata: what Google's schema allows, what the options are, and no parameter more or less."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
from argparse import Namespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import options, render, template_specs
from beam_pipelines.local.discovery import Discovery
from beam_pipelines.options import OPTIONS, GenerateSettings, LoadSettings, UsageError
from beam_pipelines.template_specs import TEMPLATES, container_spec, metadata

OWN = {"generate": (options.GENERATE, GenerateSettings), "load": (options.LOAD, LoadSettings)}
IMAGE = "europe-west1-docker.pkg.dev/project/retail/load@sha256:" + 64 * "0"
GOOD = {
    "output": "gs://bucket/lake",
    "input": "gs://bucket/lake",
    "start_date": "2025-11-28",
    "end_date": "2025-11-30",
    "scale": "0.5",
    "seed": "7",
    "tables": "orders, customers",
    "dimension_history": "none",
    "format": "avro",
    "codec": "zstandard",
    "defect_rate": "1e-3",
    "defects": "late=0.1, duplicate = .5",
    "warehouse": "bigquery://my-project",
    "replay_dead_letters": "true",
}
REFUSED = {
    "output": ["lake", "/lake", "gs://", "gs:/bucket/lake", "s3://bucket/lake", " gs://bucket", "gs://Bucket/lake"],
    "input": ["lake", "gs:///lake"],
    "start_date": ["today", "2025-1-1", "20251128", "2025-11-28T00:00"],
    "end_date": ["", "2025/11/28"],
    "scale": ["-1", "nan", "inf", "1_000", " 1", "1,5"],
    "seed": ["-1", "1.0", "+1", ""],
    "tables": ["", "orders,", "orders;customers", "order"],
    "dimension_history": ["All", ""],
    "format": ["AVRO", "orc"],
    "codec": ["gzip"],
    "defect_rate": ["1%", "-0.1"],
    "defects": ["late", "late=", "early=0.1", "late=0.1;duplicate=0.1"],
    "warehouse": ["warehouse.duckdb", "bigquery://", "bigquery://a/b", "bigquery://My-Project"],
    "replay_dead_letters": ["yes", "True", ""],
}


def accepts(parameter: dict, value: str) -> bool:
    """Whether Dataflow takes a value: it looks for each expression anywhere in it."""
    return all(re.search(regex, value) for regex in parameter.get("regexes", []))


def parameters(pipeline: str) -> dict[str, dict]:
    return {parameter["name"]: parameter for parameter in metadata(pipeline)["parameters"]}


def refusal(pipeline: str, values: dict[str, str]) -> str:
    """What the pipeline's launcher says against values; nothing if it takes them."""
    try:
        OWN[pipeline][1].of(Namespace(**values))
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("pipeline", TEMPLATES)
def test_a_template_has_its_pipelines_options_and_no_other(pipeline):
    committed = json.loads((render.ROOT / "templates" / f"{pipeline}.json").read_text())
    assert committed == metadata(pipeline)
    assert [parameter["name"] for parameter in committed["parameters"]] == list(OWN[pipeline][0])
    for name, parameter in parameters(pipeline).items():
        option = OPTIONS[name]
        assert parameter.get("isOptional", False) == (not option.required)
        assert parameter.get("defaultValue") == option.default


def test_every_pipeline_has_its_template_and_what_launches_it():
    found = {path.name for path in (render.ROOT / "templates").iterdir() if path.suffix in (".py", ".json")}
    assert found == {f"{pipeline}{suffix}" for pipeline in TEMPLATES for suffix in (".py", ".json")}


@pytest.mark.parametrize("pipeline", TEMPLATES)
def test_good_values_and_defaults_are_taken(pipeline):
    found = parameters(pipeline)
    assert not refusal(pipeline, GOOD)
    assert [name for name in found if not accepts(found[name], GOOD[name])] == []
    defaults = {name: parameter["defaultValue"] for name, parameter in found.items() if "defaultValue" in parameter}
    assert [name for name, value in defaults.items() if not accepts(found[name], value)] == []
    assert not refusal(pipeline, GOOD | defaults)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_bad_values_are_refused_before_the_launch(name, value):
    for pipeline in TEMPLATES:
        if name in parameters(pipeline):
            assert not accepts(parameters(pipeline)[name], value)


@pytest.mark.parametrize("name", ["scale", "seed", "tables", "defect_rate", "defects"])
@settings(max_examples=50)
@given(data=st.data())
def test_what_a_template_takes_its_launcher_takes_but_for_a_numbers_bounds(name, data):
    (regex,) = parameters("generate")[name]["regexes"]
    printable = st.characters(min_codepoint=32, max_codepoint=126)
    value = data.draw(st.from_regex(regex, fullmatch=True, alphabet=printable))
    said = refusal("generate", GOOD | {name: value})
    assert not said or (name != "tables" and re.match(rf"--{name}: expected a .* (from|to) ", said))


@pytest.mark.parametrize("pipeline", TEMPLATES)
def test_the_expressions_are_those_of_posix(pipeline):
    for name, parameter in parameters(pipeline).items():
        (regex,) = parameter["regexes"]
        values = [GOOD[name], *REFUSED[name]]
        ended = subprocess.run(["grep", "-E", regex], input="\n".join(values), capture_output=True, text=True)
        assert ended.stdout.splitlines() == [value for value in values if accepts(parameter, value)], name


def test_a_template_is_what_google_reads():
    environment = {"maxWorkers": 4, "tempLocation": "gs://bucket/temp"}
    spec = container_spec("load", IMAGE, environment)
    assert spec["image"] == IMAGE
    assert spec["defaultEnvironment"] == {"sdkContainerImage": IMAGE, **environment}
    assert Discovery("dataflow.v1b3").check("ContainerSpec", spec) == []


@pytest.fixture
def printed(monkeypatch, capsys):
    """Prints the template of load with an environment, and returns what came to the output and what to the errors."""

    def run(environment: str) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["template_specs", "load", IMAGE, f"--environment={environment}"])
        with contextlib.suppress(SystemExit):
            template_specs.main()
        return capsys.readouterr()

    return run


def test_a_template_is_printed(printed):
    out, err = printed('{"maxWorkers": 4}')
    assert (json.loads(out), err) == (container_spec("load", IMAGE, {"maxWorkers": 4}), "")


@pytest.mark.parametrize(
    ("environment", "said"),
    [("{", "invalid"), ("[]", "body: expected an object"), ('{"maxWorker": 4}', "maxWorker: unknown field")],
)
def test_an_environment_that_google_does_not_know_is_refused(printed, environment, said):
    out, err = printed(environment)
    assert not out
    assert f"error: argument --environment: {said}" in err


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed")
@pytest.mark.parametrize("pipeline", TEMPLATES)
def test_gcloud_builds_the_same_template(pipeline, tmp_path, monkeypatch):
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    metadata_file = render.ROOT / "templates" / f"{pipeline}.json"
    command = ["gcloud", "dataflow", "flex-template", "build", f"gs://bucket/templates/{pipeline}.json"]
    flags = [f"--image={IMAGE}", "--sdk-language=PYTHON", f"--metadata-file={metadata_file}", "--project=local"]
    ended = subprocess.run([*command, *flags, "--print-only"], check=True, capture_output=True, text=True)
    built = json.loads(ended.stdout.partition("{")[1] + ended.stdout.partition("{")[2])
    ours = container_spec(pipeline, IMAGE)
    # gcloud leaves out whether a template is streaming, and has no flag for the workers' image.
    del ours["metadata"]["streaming"]
    assert built == ours | {"defaultEnvironment": {}}
