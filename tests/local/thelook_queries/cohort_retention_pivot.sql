with cohort as (
  select
    user_id,
    format_timestamp('%Y-%m', min(created_at) over (partition by user_id)) as cohort,
    date_diff(date(created_at), date(min(created_at) over (partition by user_id)), month) as month_number
  from `bigquery-public-data`.thelook_ecommerce.orders
)
select *
from cohort
pivot (count(distinct user_id) for month_number in (0 as month_0, 1 as month_1, 2 as month_2, 3 as month_3))
order by cohort
