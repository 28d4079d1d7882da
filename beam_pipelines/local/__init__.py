"""Google's APIs served on this machine: BigQuery, Dataflow, Pub/Sub and Cloud Storage."""
