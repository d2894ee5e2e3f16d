-- Goals of a feature by version, arm and state; those whose time is over apart.
-- $1 workspace, $2 feature, $3 entered by then: their time is over
-- returns: version, goal, state, n, over
-- source: docs/spec.md, goals
select version, goal, case when status = 'exited' then 'missed' else state end,
       count(*),
       sum(case when entered_us <= $3 then 1 else 0 end)
  from runs
 where feature_id = $2 and workspace_id = $1 and goal is not null
 group by 1, 2, 3
 order by 1, 2, 3
