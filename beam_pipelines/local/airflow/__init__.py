"""Airflow on this machine, with the local cloud in place of Google's."""

from beam_pipelines.local.airflow.home import AirflowError, claimed
from beam_pipelines.local.airflow.server import Airflow, running

__all__ = ["Airflow", "AirflowError", "claimed", "running"]
