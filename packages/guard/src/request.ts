/** What a guard looks at of a request, whatever the framework. Nothing in it is trusted. */
export interface GuardedRequest {
  /** As sent: one value, or several where the field stood several times. */
  readonly authorization: string | readonly string[] | undefined;
  /** Path as sent, not decoded. */
  readonly path: string;
  /** Query as sent, without its question mark. */
  readonly query: string;
  /** Address of the connection's peer, which may be a proxy. */
  readonly remoteAddress: string | undefined;
  /** Whether the connection itself is TLS. */
  readonly encrypted: boolean;
  /** Believed from trusted proxies only. */
  readonly forwardedFor: string | undefined;
  readonly forwardedProto: string | undefined;
  /** What the service calls the request in its logs. Handed on with what is told of it, and never looked at. */
  readonly requestId?: string | undefined;
}
