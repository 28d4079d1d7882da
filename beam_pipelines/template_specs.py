"""The Flex Templates: what Dataflow is told of each pipeline's parameters, and which image launches it.

Names and types are those of Google's TemplateMetadata and ContainerSpec, as Dataflow reads them from Cloud Storage.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from beam_pipelines.local.discovery import Discovery
from beam_pipelines.option_types import Option
from beam_pipelines.options import GENERATE, LOAD, OPTIONS


@dataclass(frozen=True)
class Template:
    """What is said of a pipeline as a whole."""

    title: str
    description: str
    parameters: Sequence[str]
    """Names of its options."""


TEMPLATES = {
    "generate": Template(
        "Retail: generate a lake",
        "Draws days of a synthetic retail world and writes them to Cloud Storage, byte for byte the same each time.",
        GENERATE,
    ),
    "load": Template(
        "Retail: load a lake into BigQuery",
        "Validates days of the lake and replaces the partitions of BigQuery's tables with what follows from them.",
        LOAD,
    ),
}
"""By the names of the pipelines, of which each is batch."""

NO_ENVIRONMENT: Mapping[str, Any] = {}


def metadata(pipeline: str) -> dict[str, Any]:
    """What Dataflow checks a launch of a pipeline by, and what its console asks for.

    >>> parameters = metadata("load")["parameters"]
    >>> [parameter["name"] for parameter in parameters if not parameter.get("isOptional")]
    ['input', 'start_date', 'end_date', 'warehouse']
    """
    template = TEMPLATES[pipeline]
    return {
        "name": template.title,
        "description": template.description,
        "streaming": False,
        "parameters": [_parameter(OPTIONS[name]) for name in template.parameters],
    }


def metadata_file(pipeline: str) -> str:
    """The metadata as the text of the file that ``gcloud dataflow flex-template build --metadata-file`` takes."""
    return json.dumps(metadata(pipeline), indent=2) + "\n"


def container_spec(pipeline: str, image: str, environment: Mapping[str, Any] = NO_ENVIRONMENT) -> dict[str, Any]:
    """The template of a pipeline, as it lies in Cloud Storage to be launched.

    Args:
        pipeline: The pipeline's name.
        image: The image that launches it and whose workers run it.
        environment: What a launch that says nothing else runs with: a FlexTemplateRuntimeEnvironment. Workers run the
            image unless it says otherwise.
    """
    return {
        "image": image,
        "sdkInfo": {"language": "PYTHON"},
        "metadata": metadata(pipeline),
        "defaultEnvironment": {"sdkContainerImage": image, **environment},
    }


def _parameter(option: Option) -> dict[str, Any]:
    """The ParameterMetadata of an option, as workers on other machines need it."""
    remote = option.remote
    form = remote.form if remote else option.checked_form
    parameter: dict[str, Any] = {
        "name": option.name,
        "label": option.label,
        "helpText": remote.help if remote else option.help,
        "groupName": option.group,
        "paramType": option.kind,
    }
    if not option.required:
        parameter |= {"isOptional": True, "defaultValue": option.default}
    if option.choices and not option.is_switch:
        parameter["enumOptions"] = [{"value": value, "label": label} for value, label in option.choices.items()]
    return parameter | ({"regexes": [form.anchored]} if form else {})


def main() -> None:
    """Prints a template: ``python -m beam_pipelines.template_specs load IMAGE``."""
    parser = argparse.ArgumentParser(description="Prints the template of a pipeline, to be put into Cloud Storage.")
    parser.add_argument("pipeline", choices=TEMPLATES)
    parser.add_argument("image", help="The image that launches it and whose workers run it.")
    parser.add_argument(
        "--environment", default="{}", type=json.loads, help="A FlexTemplateRuntimeEnvironment as JSON."
    )
    given = parser.parse_args()
    if problems := Discovery("dataflow.v1b3").check("FlexTemplateRuntimeEnvironment", given.environment):
        parser.error(f"argument --environment: {problems[0]}")
    print(json.dumps(container_spec(given.pipeline, given.image, given.environment), indent=2))


if __name__ == "__main__":
    main()
