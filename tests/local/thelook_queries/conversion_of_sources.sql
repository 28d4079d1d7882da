with all_users_per_traffic_source as (
  select distinct
    user_id,
    traffic_source
  from `bigquery-public-data`.thelook_ecommerce.events
  where user_id is not null
),
complete_order_per_user as (
  select distinct
    user_id,
    1 as complete_order_flag
  from `bigquery-public-data`.thelook_ecommerce.orders
  where status = 'Complete'
),
joined as (
  select
    user_id,
    traffic_source,
    if(complete_order_flag is null, 0, complete_order_flag) as complete_order_flag
  from all_users_per_traffic_source
  left join complete_order_per_user using(user_id)
)
select 'overall' as traffic_source, round(sum(complete_order_flag) / count(*), 4) as conversion_rate
from (select user_id, max(complete_order_flag) as complete_order_flag from joined group by user_id)
union all
(select traffic_source, round(avg(complete_order_flag), 4) from joined group by traffic_source)
order by traffic_source
