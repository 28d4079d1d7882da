import argparse
from collections.abc import Callable

import pytest

from beam_pipelines.options import GenerateSettings

Settings = Callable[..., GenerateSettings]


@pytest.fixture(scope="session")
def generate_settings() -> Settings:
    """The settings of a small generate run, changed by name."""

    def settings(**changed: str) -> GenerateSettings:
        given = {
            "output": "lake",
            "start_date": "2019-01-30",
            "end_date": "2019-02-01",
            "scale": "0.01",
            "seed": "42",
            "tables": "distribution_centers,products,customers,orders",
            "dimension_history": "complete",
            "codec": "snappy",
        }
        return GenerateSettings.of(argparse.Namespace(**given | changed))

    return settings
