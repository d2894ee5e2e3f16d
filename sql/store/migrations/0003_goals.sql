-- A run that measures a goal: the arm it belongs to, "entered" or "holdout".
alter table runs add column goal text;
