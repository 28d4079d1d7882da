with cte1 as (
select
format_date ("%Y-%m", t1.created_at) as month_year,
t3.category AS product_category,
SUM(t2.sale_price) AS tpv,
count(distinct t1.order_id) as tpo,
sum(t3.cost) as total_cost
FROM bigquery-public-data.thelook_ecommerce.orders as t1
JOIN bigquery-public-data.thelook_ecommerce.order_items as t2 ON t1.order_id = t2.order_id
JOIN bigquery-public-data.thelook_ecommerce.products as t3 ON t2.product_id = t3.id
group by format_date ("%Y-%m", t1.created_at), t3.category)

select month_year, product_category, tpv,
round((tpv - lag (tpv) over category_months)/lag (tpv) over category_months, 3) as revenue_growth,
round((tpv - total_cost)/total_cost, 3) as profit_to_cost_ratio
from cte1
window category_months as (partition by product_category order by month_year)
order by product_category, month_year
