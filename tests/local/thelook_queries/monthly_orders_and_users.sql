-- orders and buyers per month
select FORMAT_DATE('%Y-%m', created_at) as month_year,
count(distinct user_id) as total_user,
count(order_id) as total_order
from bigquery-public-data.thelook_ecommerce.orders
where FORMAT_DATE('%Y-%m', created_at) between '2023-03' and '2024-04'
group by FORMAT_DATE('%Y-%m', created_at)
order by 1
