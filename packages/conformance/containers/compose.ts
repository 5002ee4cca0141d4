/** docker-compose.yml as its test reads it. */
import { parse } from 'yaml';
import { z } from 'zod';

const service = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  user: z.string().optional(),
  init: z.boolean().default(false),
  command: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  profiles: z.array(z.string()).default([]),
  env_file: z.array(z.object({ path: z.string(), required: z.boolean() })).default([]),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  secrets: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.preprocess(
    (value) => (Array.isArray(value) ? Object.fromEntries(value.map((name) => [name, {}])) : value),
    z.record(z.string(), z.looseObject({ ipv4_address: z.string().optional() })),
  ),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  restart: z.string(),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()),
  stop_grace_period: z.string(),
});

const compose = z.looseObject({
  services: z.record(z.string(), service),
  networks: z.record(
    z.string(),
    z.looseObject({
      internal: z.boolean().default(false),
      ipam: z.object({ config: z.array(z.object({ subnet: z.string() })) }).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

export type ComposeService = z.infer<typeof service>;
export type Compose = z.infer<typeof compose>;

export function readCompose(text: string): Compose {
  return compose.parse(parse(text, { merge: true }));
}

/** Compose's own substitution: `${NAME:-fallback}`, `$$` for a dollar. */
export function interpolate(text: string, values: Readonly<Record<string, string>> = {}): string {
  return text.replace(/\$\$|\$\{(\w+):-([^}]*)\}/g, (whole, name?: string, fallback?: string) => {
    if (whole === '$$') return '$';
    return values[name ?? ''] ?? fallback ?? '';
  });
}

/** What the service's container starts, word by word. */
export function commandLine({ entrypoint = [], command = [] }: ComposeService): string[] {
  return [...entrypoint, ...command];
}
