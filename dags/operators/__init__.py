"""Operators and triggers that know nothing of retail.

Airflow's triggerer imports them by name and does not look into DAG folders: where DAGs and triggerer run apart, this
package belongs into Airflow's folder of plugins (docs/composer.md).
"""
