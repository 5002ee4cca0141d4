/** How a resource server wants its access tokens. */
export const TOKEN_FORMATS = ['jwt', 'opaque'] as const;
export type TokenFormat = (typeof TOKEN_FORMATS)[number];

export const SIGNING_ALGORITHMS = ['ES256', 'RS256', 'EdDSA'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** An API that accepts our access tokens. */
export interface ResourceServer {
  id: string;
  /** Absolute URI without fragment: the `resource` of RFC 8707 and the `aud` of its tokens. Unique. */
  identifier: string;
  name: string;
  /** Scope → what it lets an application do, in words for the consent page. */
  scopes: Record<string, string>;
  tokenFormat: TokenFormat;
  tokenTtlSeconds: number;
  signingAlgorithm: SigningAlgorithm;
  /** Whether it takes API keys besides tokens. */
  acceptsApiKeys: boolean;
  /** Used when a request names no `resource`. At most one resource server is the default. */
  isDefault: boolean;
  /** The client with which it calls the introspection endpoint; null when it validates locally only. */
  introspectionClientId: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export type NewResourceServer = Omit<ResourceServer, 'createdAt' | 'updatedAt'>;

export interface ResourceServers {
  /**
   * Inserts; one that is the default takes that from any other, all or nothing. Throws `ConflictError` when the id or
   * identifier is taken.
   */
  create(resourceServer: NewResourceServer): Promise<ResourceServer>;
  find(id: string): Promise<ResourceServer | undefined>;
  findByIdentifier(identifier: string): Promise<ResourceServer | undefined>;
  /** Every resource server, oldest first. */
  list(): Promise<ResourceServer[]>;
  /** Changes the named fields. Making one the default takes that from any other, in one transaction. */
  update(id: string, changes: Partial<Omit<NewResourceServer, 'id'>>): Promise<ResourceServer | undefined>;
  delete(id: string): Promise<boolean>;
}
