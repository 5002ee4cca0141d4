-- breaking: false

-- Sign-ins know the generation they are of; raising it ends all of them at once.
alter table accounts add column sign_in_generation integer not null default 0;
