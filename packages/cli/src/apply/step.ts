/** A secret that was made because the file gives none; it can be shown this once. */
export interface GeneratedSecret {
  client_id: string;
  client_secret: string;
}

export interface Step {
  action: 'create' | 'update' | 'unchanged';
  kind: 'organization' | 'user' | 'client' | 'resource_server';
  /** As the file names it: an id, an e-mail address, a resource identifier. */
  name: string;
  /** What will change, in words of the file. */
  changes: string[];
  run(): Promise<GeneratedSecret[]>;
}

/** Nothing to do. */
export function unchanged(kind: Step['kind'], name: string): Step {
  return { action: 'unchanged', kind, name, changes: [], run: async () => [] };
}
