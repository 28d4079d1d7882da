import argparse
from collections.abc import Callable

import pytest

from beam_pipelines import tables
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
            "tables": ",".join(table.name for table in tables.LAKE),
            "dimension_history": "complete",
            "format": "avro",
            "codec": "snappy",
            "defect_rate": "0",
            "defects": "none",
        }
        return GenerateSettings.of(argparse.Namespace(**given | changed))

    return settings
