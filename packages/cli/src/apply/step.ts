import type { Environment } from '@latchkey/protocol';

/** A secret that was made because the file gives none; it can be shown this once. */
export interface GeneratedSecret {
  client_id: string;
  client_secret: string;
}

/** A key that was made; it can be shown this once. */
export interface GeneratedApiKey {
  id: string;
  organization: string;
  environment: Environment;
  name: string;
  key: string;
}

export type Generated = GeneratedSecret | GeneratedApiKey;

export interface Step {
  action: 'create' | 'update' | 'unchanged';
  kind: 'organization' | 'user' | 'client' | 'resource_server' | 'api_key';
  /** As the file names it: an id, an e-mail address, a resource identifier. */
  name: string;
  /** What will change, in words of the file. */
  changes: string[];
  /** What is not as declared, and is left so. */
  note?: string;
  run(): Promise<Generated[]>;
}

/** Nothing to do. */
export function unchanged(kind: Step['kind'], name: string): Step {
  return { action: 'unchanged', kind, name, changes: [], run: async () => [] };
}
