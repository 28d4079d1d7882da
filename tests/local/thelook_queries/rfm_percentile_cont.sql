with tbl_rfm as (
  select
      user_id
    , date_diff(date('2024-12-31'), cast(max(created_at) as date), day) as recency
    , count(user_id) as frequency
    , sum(sale_price) as monetary
  from
    `bigquery-public-data.thelook_ecommerce.order_items`
  group by
    1
)
select
    user_id
  , case
      when recency <= percentile_cont(recency, 0.33) over() then 3
      when recency <= percentile_cont(recency, 0.66) over() then 2
      else 1
    end r_rank
  , case
      when monetary <= percentile_cont(monetary, 0.33) over() then 1
      when monetary <= percentile_cont(monetary, 0.66) over() then 2
      else 3
    end m_rank
from tbl_rfm
order by 1
