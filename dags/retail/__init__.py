"""What the retail DAGs share. Imports nothing of ``beam_pipelines``, which Airflow's environment does not have."""
