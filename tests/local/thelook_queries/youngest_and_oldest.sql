with female_age as (
  select min(age) as min_age, max(age) as max_age
  from bigquery-public-data.thelook_ecommerce.users
  where gender = 'F'
),
male_age as (
  select min(age) as min_age, max(age) as max_age
  from bigquery-public-data.thelook_ecommerce.users
  where gender = 'M'
),
young_old as (
  select a.first_name, a.last_name, a.gender, a.age
  from bigquery-public-data.thelook_ecommerce.users as a, female_age as b
  where a.gender = 'F' and a.age in (b.min_age, b.max_age)
  union all
  select a.first_name, a.last_name, a.gender, a.age
  from bigquery-public-data.thelook_ecommerce.users as a, male_age as b
  where a.gender = 'M' and a.age in (b.min_age, b.max_age)
)
select
  gender,
  case when rank() over (partition by gender order by age) = 1 then 'Youngest' else 'Oldest' end as tag,
  age,
  first_name,
  last_name
from young_old
order by gender, age, first_name, last_name
