-- breaking: false

-- Everything is one transaction, and a lock is held to its end. Long work therefore comes first, under locks that let
-- others read; what shuts out readers (`alter table`, `drop index`) comes last.

-- Events are listed by instant, so that a period is one stretch of an index; `position` decides between equals.
create index audit_events_at on audit_events (at, position);
create index audit_events_organization_at on audit_events (organization_id, at, position);
create index audit_events_organization_action on audit_events (organization_id, action, at, position);
create index audit_events_organization_actor on audit_events (organization_id, actor_id, at, position);
create index audit_events_organization_target on audit_events (organization_id, target_id, at, position);

-- Pages of an organisation's clients, newest first, continued from an instant of whole milliseconds.
update clients set created_at = date_trunc('milliseconds', created_at);
create index clients_page on clients (organization_id, environment, created_at, id);

-- Without it, deleting an organisation would read every adjustment there is.
create index inventory_adjustments_organization_id on inventory_adjustments (organization_id);

-- `successor_id` has no foreign key: that a key was rotated stays true when its successor is gone.
create table api_keys (
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  name text not null,
  scopes json not null,
  digest bytea not null,
  last_four text not null,
  ip_allowlist json not null,
  rate_limit integer,
  created_by_type text not null,
  created_by_id text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  leaked_at timestamptz,
  last_used_at timestamptz,
  successor_id text
);
create index api_keys_page on api_keys (organization_id, created_at, id);
create index api_keys_environment_page on api_keys (organization_id, environment, created_at, id);
create index api_keys_updated_at on api_keys (updated_at);

-- The key begins with what every query names, so that it is the index they need.
create table usage (
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  minute timestamptz not null,
  credential_type text not null,
  credential_id text not null,
  route text not null,
  status_class smallint not null,
  requests bigint not null,
  primary key (organization_id, environment, minute, credential_type, credential_id, route, status_class)
);
create index usage_minute on usage (minute);

create table idempotency_keys (
  digest bytea primary key,
  fingerprint bytea not null,
  status smallint,
  sealed bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index idempotency_keys_expires_at on idempotency_keys (expires_at);

-- The default of updated_at is for the previous release, which inserts without it.
alter table organizations
  add column rate_limit integer,
  add column ip_allowlist json not null default '[]',
  add column leaked_key_policy text not null default 'revoke',
  add column updated_at timestamptz not null default now();
update organizations set updated_at = created_at;
create index organizations_updated_at on organizations (updated_at);
-- The previous release disables without moving updated_at.
create index organizations_disabled_at on organizations (disabled_at);

-- What these served, the new ones serve.
drop index clients_organization_id;
drop index audit_events_organization;
drop index audit_events_action;
