-- breaking: false

create table organizations (
  id text primary key,
  name text not null,
  plan text not null,
  created_at timestamptz not null,
  disabled_at timestamptz
);

create table accounts (
  id text primary key,
  email text not null,
  email_verified boolean not null,
  name text not null,
  password_digest text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  disabled_at timestamptz
);
create unique index accounts_email_key on accounts (lower(email));

create table members (
  organization_id text not null references organizations on delete cascade,
  account_id text not null references accounts on delete cascade,
  role text not null,
  created_at timestamptz not null,
  primary key (organization_id, account_id)
);
create index members_account_id on members (account_id);

-- Documents are json, not jsonb: they come back as they were written, order of keys included, and no query looks
-- inside them.
create table clients (
  id text primary key,
  organization_id text references organizations on delete cascade,
  environment text not null,
  metadata json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  disabled_at timestamptz
);
create index clients_organization_id on clients (organization_id);

create table client_secrets (
  id text primary key,
  client_id text not null references clients on delete cascade,
  digest bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz
);
create index client_secrets_client_id on client_secrets (client_id);

create table resource_servers (
  id text primary key,
  identifier text not null constraint resource_servers_identifier_key unique,
  name text not null,
  scopes json not null,
  token_format text not null,
  token_ttl_seconds integer not null,
  signing_algorithm text not null,
  accepts_api_keys boolean not null,
  is_default boolean not null,
  introspection_client_id text references clients on delete set null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index resource_servers_one_default on resource_servers (is_default) where is_default;
create index resource_servers_introspection_client_id on resource_servers (introspection_client_id);

create table grants (
  id text primary key,
  account_id text not null references accounts on delete cascade,
  client_id text not null references clients on delete cascade,
  organization_id text references organizations on delete cascade,
  payload json not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create index grants_account_id on grants (account_id);
create index grants_client_id on grants (client_id);
create index grants_organization_id on grants (organization_id);
create index grants_expires_at on grants (expires_at);

create table consents (
  account_id text not null references accounts on delete cascade,
  client_id text not null references clients on delete cascade,
  organization_id text references organizations on delete cascade,
  payload json not null,
  updated_at timestamptz not null,
  constraint consents_key unique nulls not distinct (account_id, client_id, organization_id)
);
create index consents_client_id on consents (client_id);
create index consents_organization_id on consents (organization_id);

-- Account and client of a token are those of its grant, and a delete of either reaches it through the grant.
create table refresh_tokens (
  digest bytea primary key,
  grant_id text not null references grants on delete cascade,
  client_id text not null,
  account_id text not null,
  payload json not null,
  predecessor bytea,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  consumed_at timestamptz
);
create index refresh_tokens_grant_id on refresh_tokens (grant_id);
create index refresh_tokens_predecessor on refresh_tokens (predecessor);
create index refresh_tokens_expires_at on refresh_tokens (expires_at);

create table signing_keys (
  kid text primary key,
  algorithm text not null,
  public_jwk json not null,
  sealed_private_jwk bytea not null,
  created_at timestamptz not null,
  active_at timestamptz not null,
  retired_at timestamptz
);

create table revocations (
  subject text not null,
  id text not null,
  revoked_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (subject, id)
);
create index revocations_expires_at on revocations (expires_at);

-- No foreign keys: the record of what happened outlives what it happened to.
create table audit_events (
  position bigint generated always as identity primary key,
  id text not null constraint audit_events_id_key unique,
  at timestamptz not null,
  action text not null,
  result text not null,
  actor_type text not null,
  actor_id text,
  target_type text,
  target_id text,
  organization_id text,
  ip text,
  request_id text,
  details json not null
);
create index audit_events_organization on audit_events (organization_id, position desc);
create index audit_events_action on audit_events (action, position desc);
