-- breaking: false

-- Rows of the API. `position` is the order of insertion: what lists are sorted and continued by.
create table work_orders (
  position bigint generated always as identity,
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  number text not null,
  product text not null,
  quantity integer not null,
  status text not null,
  priority text not null,
  due_at timestamptz,
  notes text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint work_orders_number_key unique (organization_id, environment, number)
);
create index work_orders_position on work_orders (organization_id, environment, position);

create table operations (
  position bigint generated always as identity,
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  work_order_id text not null references work_orders on delete cascade,
  sequence integer not null,
  name text not null,
  work_center text,
  status text not null,
  planned_minutes integer,
  started_at timestamptz,
  completed_at timestamptz,
  notes text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint operations_sequence_key unique (work_order_id, sequence)
);
create index operations_position on operations (organization_id, environment, position);

create table inspections (
  position bigint generated always as identity,
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  work_order_id text not null references work_orders on delete cascade,
  type text not null,
  result text not null,
  inspected_quantity integer not null,
  defect_quantity integer not null,
  inspector text,
  inspected_at timestamptz,
  notes text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint inspections_defect_quantity_check check (defect_quantity between 0 and inspected_quantity)
);
create index inspections_position on inspections (organization_id, environment, position);
create index inspections_work_order_id on inspections (work_order_id);

create table inventory_items (
  position bigint generated always as identity,
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  sku text not null,
  name text not null,
  unit text not null,
  location text,
  quantity_on_hand integer not null check (quantity_on_hand >= 0),
  reorder_point integer,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint inventory_items_sku_key unique (organization_id, environment, sku)
);
create index inventory_items_position on inventory_items (organization_id, environment, position);

create table inventory_adjustments (
  position bigint generated always as identity,
  id text primary key,
  organization_id text not null references organizations on delete cascade,
  environment text not null,
  item_id text not null references inventory_items on delete cascade,
  quantity integer not null,
  reason text not null,
  reference text,
  notes text,
  quantity_after integer not null,
  created_at timestamptz not null
);
create index inventory_adjustments_position on inventory_adjustments (item_id, position);
