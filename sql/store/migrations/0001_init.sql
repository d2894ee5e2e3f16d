-- The first schema. Hot tables (events, event_queue, decisions, runs, actions,
-- attempts) begin their keys with shard. Times are microseconds UTC.
-- SQLite, which has no partitions, gets keys that begin with what grows with
-- time: 256 places to insert at would touch 256 pages of each table and index
-- in every batch (bench_store: ingest at a quarter of the rate).
create table schema_version (
    version bigint primary key,
    applied_us bigint not null
);
create table meta (
    name text primary key,
    value bigint not null
);
create table workspaces (
    id text primary key,
    slug text not null unique,
    name text not null,
    settings text not null,
    created_us bigint not null
);
create table integrations (
    id text primary key,
    workspace_id text not null references workspaces (id),
    name text not null,
    kind text not null,
    access_mode text not null,
    transport text not null,
    status text not null,
    dsn_sealed text,
    secret_hash text,
    epoch text not null,
    catalog text,
    created_us bigint not null,
    unique (workspace_id, name)
);
create table features (
    id text primary key,
    workspace_id text not null references workspaces (id),
    integration_id text not null references integrations (id),
    key text not null,
    name text not null,
    status text not null,
    version bigint not null,
    created_us bigint not null,
    updated_us bigint not null,
    unique (workspace_id, key)
);
create table feature_versions (
    feature_id text not null references features (id),
    version bigint not null,
    document text not null,
    created_us bigint not null,
    primary key (feature_id, version)
);
create table messages (
    workspace_id text not null,
    key text not null,
    subject text not null,
    body text not null,
    updated_us bigint not null,
    primary key (workspace_id, key)
);
create table settings (
    workspace_id text not null,
    key text not null,
    value text not null,
    primary key (workspace_id, key)
);
create table deployments (
    id text primary key,
    workspace_id text not null,
    integration_id text not null,
    plan text not null,
    changes bigint not null,
    applied_us bigint not null
);
create table events (
    shard integer not null,
    id text not null,
    workspace_id text not null,
    integration_id text not null,
    source_id bigint not null,
    type text not null,
    key text,
    record text not null,
    old text,
    occurred_us bigint not null,
    received_us bigint not null,
    transport text not null,
    primary key (/*!sqlite workspace_id, id, shard*/
                 /*!postgres*/shard, id/*!all*/)
);
/*!postgres*/
create index events_log on events (workspace_id, id);
/*!all*/
create table event_queue (
    shard integer not null,
    seq bigint not null,
    event_id text not null,
    workspace_id text not null,
    integration_id text not null,
    not_before_us bigint not null,
    attempts bigint not null,
    primary key (/*!sqlite seq, shard*/
                 /*!postgres*/shard, seq/*!all*/)
) /*!sqlite without rowid */;
create index event_queue_held on event_queue (shard, integration_id, seq)
    where not_before_us > 0;
create table decisions (
    shard integer not null,
    id text not null,
    workspace_id text not null,
    event_id text,
    feature_id text not null,
    feature_key text not null,
    version bigint not null,
    verdict text not null,
    subject_key text,
    run_id text,
    at_us bigint not null,
    detail text not null,
    primary key (/*!sqlite workspace_id, id, shard*/
                 /*!postgres*/shard, id/*!all*/)
);
create index decisions_event on decisions
    (/*!postgres*/shard, /*!all*/event_id);
/*!postgres*/
create index decisions_log on decisions (workspace_id, id);
/*!all*/
create table runs (
    shard integer not null,
    id text not null,
    workspace_id text not null,
    integration_id text not null,
    feature_id text not null,
    version bigint not null,
    subject_table text not null,
    subject_id text not null,
    subject_key text not null,
    row_table text not null,
    row_key text,
    record text,
    event_id text,
    event_type text not null,
    state text not null,
    status text not null,
    entered_us bigint not null,
    state_entered_us bigint not null,
    state_entry bigint not null,
    checked_us bigint not null,
    due_us bigint not null,
    rev bigint not null,
    primary key (/*!sqlite id, shard*/
                 /*!postgres*/shard, id/*!all*/)
);
create index runs_due on runs (due_us) where due_us > 0;
create index runs_subject on runs
    (/*!postgres*/shard, /*!all*/subject_key, feature_id);
create index runs_row on runs (feature_id, row_key) where status = 'active';
create table enrolments (
    shard integer not null,
    subject_key text not null,
    feature_id text not null,
    entries bigint not null,
    last_entered_us bigint not null,
    matched integer not null,
    rev bigint not null,
    primary key (/*!sqlite subject_key, feature_id, shard*/
                 /*!postgres*/shard, subject_key, feature_id/*!all*/)
) /*!sqlite without rowid */;
create table stages (
    shard integer not null,
    workspace_id text not null,
    subject_key text not null,
    at_us bigint not null,
    stage text not null,
    run_id text not null,
    primary key (shard, workspace_id, subject_key, at_us)
) /*!sqlite without rowid */;
create table schedules (
    feature_id text primary key,
    next_us bigint not null,
    scan_after text,
    scan_started_us bigint not null
);
create table actions (
    shard integer not null,
    id text not null,
    workspace_id text not null,
    key text not null,
    run_id text not null,
    feature_id text not null,
    feature_key text not null,
    version bigint not null,
    event_id text,
    subject_key text not null,
    kind text not null,
    address text,
    payload text not null,
    status text not null,
    verdict text,
    attempts bigint not null,
    due_us bigint not null,
    created_us bigint not null,
    done_us bigint not null,
    last_error text,
    provider_id text,
    gates text,
    primary key (/*!sqlite workspace_id, id, shard*/
                 /*!postgres*/shard, id/*!all*/)
);
create unique index actions_key on actions
    (/*!sqlite key, shard*//*!postgres*/shard, key/*!all*/);
/*!postgres*/
create index actions_log on actions (workspace_id, id);
/*!all*/
create index actions_due on actions (due_us) where status = 'pending';
create index actions_event on actions (event_id);
create table attempts (
    shard integer not null,
    action_id text not null,
    number bigint not null,
    at_us bigint not null,
    latency_us bigint not null,
    code integer not null,
    outcome text not null,
    message text,
    response text,
    primary key (/*!sqlite action_id, number, shard*/
                 /*!postgres*/shard, action_id, number/*!all*/)
) /*!sqlite without rowid */;
create table sends (
    shard integer not null,
    workspace_id text not null,
    subject_key text not null,
    at_us bigint not null,
    action_id text not null,
    feature_id text not null,
    primary key (/*!sqlite workspace_id, subject_key, at_us, action_id, shard*/
                 /*!postgres*/shard, workspace_id, subject_key, at_us, action_id/*!all*/)
) /*!sqlite without rowid */;
create table inbox (
    workspace_id text not null,
    id text not null,
    sender text not null,
    recipient text not null,
    subject text not null,
    html text not null,
    text text not null,
    headers text not null,
    at_us bigint not null,
    primary key (workspace_id, id)
);
create table tracks (
    workspace_id text not null,
    id text not null,
    event text not null,
    subject_key text not null,
    properties text not null,
    at_us bigint not null,
    primary key (workspace_id, id)
);
create table suppressions (
    workspace_id text not null,
    address text not null,
    reason text not null,
    at_us bigint not null,
    primary key (workspace_id, address)
);
create table shard_leases (
    shard integer primary key,
    node text not null,
    until_us bigint not null,
    fence bigint not null
);
insert into meta (name, value) values ('generation', 1);
