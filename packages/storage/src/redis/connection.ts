import { createHash } from 'node:crypto';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { StorageUnavailableError } from '../errors.ts';
import type { RedisAddress } from './address.ts';

type Argument = string | number;

/** A Lua script over one key, so that it runs on a Cluster as it does on one server. */
export interface RedisScript {
  lua: string;
  sha: string;
}

export function createScript(lua: string): RedisScript {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** All that Latchkey asks of a Redis client. Both throw `StorageUnavailableError` when Redis is away. */
export interface RedisConnection {
  send(command: string, ...args: Argument[]): Promise<unknown>;
  run(script: RedisScript, key: string, ...args: Argument[]): Promise<unknown>;
  /** Ends the connection; what is in flight fails. */
  disconnect(): void;
}

/** How long a command waits for the first connection of the process. Later ones fail at once while there is none. */
const CONNECT_TIMEOUT_MS = 3_000;
const LONGEST_RECONNECT_DELAY_MS = 1_000;

/** `answerTimeoutMs`: when Redis counts as away; for a blocking command, longer than it blocks. */
export function connectRedis(address: RedisAddress, answerTimeoutMs: number): RedisConnection {
  const client = createClient(address, answerTimeoutMs);
  // Each command reports its own fault; without a listener the client would report them a second time.
  client.on('error', () => {});
  const opening = waitForOpening(client);
  let opened = false;
  void opening.then(() => {
    opened = true;
  });
  const send = async (command: string, ...args: Argument[]) => {
    if (!opened) await opening;
    try {
      // What a Cluster that is away queues waits without end.
      if (client.status !== 'ready') throw new Error(`the connection is not ready: ${client.status}`);
      return await client.call(command, ...args);
    } catch (error) {
      throw mapRedisError(error);
    }
  };
  return {
    send,
    async run({ sha, lua }, key, ...args) {
      try {
        return await send('evalsha', sha, 1, key, ...args);
      } catch (error) {
        if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
        return send('eval', lua, 1, key, ...args);
      }
    },
    disconnect: () => client.disconnect(),
  };
}

function createClient(address: RedisAddress, answerTimeoutMs: number): Redis | Cluster {
  const retry = (times: number) => Math.min(times * 50, LONGEST_RECONNECT_DELAY_MS);
  const shared = {
    connectionName: 'latchkey',
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: answerTimeoutMs,
    // A server that went silent: drop the socket, so that the next command finds another.
    socketTimeout: answerTimeoutMs + 1_000,
    // Whether a command in flight took effect is unknown: sent again, a code just consumed would read as replayed.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // After a failover we may still hold the old master, now a read-only replica.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    ...(address.username && { username: address.username }),
    ...(address.password && { password: address.password }),
    ...(address.tls && { tls: {} }),
  } satisfies RedisOptions;
  if (address.kind === 'cluster') {
    return new Cluster(address.hosts, {
      redisOptions: shared,
      clusterRetryStrategy: retry,
      // As above: what was in flight on a connection that closed is not sent again.
      retryDelayOnFailover: 0,
      // A node is connected to with its first command. Without the queue those that come meanwhile would fail.
      enableOfflineQueue: true,
      slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    });
  }
  const options = {
    ...shared,
    retryStrategy: retry,
    enableOfflineQueue: false,
    ...(address.db !== undefined && { db: address.db }),
  } satisfies RedisOptions;
  if (address.kind === 'server') return new Redis({ ...options, ...address.hosts[0] });
  return new Redis({
    ...options,
    sentinels: address.hosts,
    ...(address.master && { name: address.master }),
    sentinelRetryStrategy: retry,
    enableTLSForSentinelMode: address.tls,
    ...(address.tls && { sentinelTLS: {} }),
  });
}

/** Until the client is ready, or has failed to become so once, or the time is over. */
function waitForOpening(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(done, CONNECT_TIMEOUT_MS);
    client.once('ready', done);
    client.once('close', done);
    client.once('end', done);
  });
}

/** Answers of a server that is there but cannot serve now. */
const TRANSIENT_REPLY =
  /^(LOADING|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|UNBLOCKED)/;

/** The one place where a fault of Redis gets its meaning: all but a refusal of the command itself is absence. */
function mapRedisError(error: unknown): unknown {
  const refused =
    error instanceof Error && error.name === 'ReplyError' && !TRANSIENT_REPLY.test(error.message);
  return refused ? error : new StorageUnavailableError('Redis is unavailable', { cause: error });
}
