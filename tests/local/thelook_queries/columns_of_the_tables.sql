SELECT table_name, COUNT(*) AS columns, STRING_AGG(column_name, ',' ORDER BY ordinal_position LIMIT 3) AS first_columns,
  COUNTIF(data_type = 'TIMESTAMP') AS timestamps
FROM `bigquery-public-data.thelook_ecommerce.INFORMATION_SCHEMA.COLUMNS`
GROUP BY table_name
ORDER BY table_name
