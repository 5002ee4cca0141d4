import type { RequestListener } from 'node:http';
import { createRateLimiter, type RateLimiter } from '@latchkey/guard';
import { createPages } from '@latchkey/pages';
import {
  ASSETS_PATH,
  createAnnouncements,
  createHealth,
  type Health,
  type Logger,
  type Metrics,
} from '@latchkey/service';
import type { DurableStorage, FeedEvent, SharedStorage } from '@latchkey/storage';
import { createAccounts } from './accounts/accounts.ts';
import { createPresentedApiKeys } from './api-keys/api-keys.ts';
import { type AppDeps, createApp } from './app.ts';
import { createAudit } from './audit.ts';
import { type AuthConfig, lifetimesOf } from './config.ts';
import { createReporterKeys } from './leaks/reporter-keys.ts';
import { createOperatorFor } from './operator.ts';
import { createAccessTokenVerifier } from './provider/access-tokens.ts';
import { createCodeRedemption } from './provider/code-redemption.ts';
import { createDirectory } from './provider/directory.ts';
import { createAuthority } from './provider/grants.ts';
import { createKeyRing, type KeyRing, type KeySet } from './provider/keys.ts';
import { createRevocationStatus } from './provider/revocation-status.ts';
import { createTokenPolicy } from './provider/token-policy.ts';

export {
  type AuthConfig,
  DEFAULT_LIFETIMES,
  DEFAULT_LIMITS,
  type Lifetimes,
  type RequestLimits,
} from './config.ts';
export { authEnv, checkAuthEnv } from './env.ts';
export { limitVariables, readLimits } from './limits/variables.ts';
export { JWKS_MAX_AGE_SECONDS } from './provider/jwks.ts';

export interface AuthDeps {
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
  metrics: Metrics;
  /** Made over both stores when absent. */
  health?: Health;
  now?: () => Date;
}

export interface AuthServer {
  handler: RequestListener;
  /** Resolves when the stores answer; throws what is wrong otherwise. */
  ready(): Promise<void>;
  /** Stops following; requests in flight may still finish. */
  stop(): Promise<void>;
}

/** The authorization server, over any stores. Makes the first signing keys where there are none. */
export async function createAuth(config: AuthConfig, deps: AuthDeps): Promise<AuthServer> {
  const { durable, logger, metrics, now = () => new Date() } = deps;
  const audit = createAudit(durable, logger);
  const directory = createDirectory(durable, now);
  const { shared, stop: stopAnnouncing } = announcing(deps.shared, directory);
  const keyRing = await openKeyRing(config, { durable, shared, logger, now });
  const status = createRevocationStatus(durable);
  const appDeps: AppDeps = {
    config,
    durable,
    shared,
    logger,
    metrics,
    now,
    audit,
    directory,
    keyRing,
    status,
    health: deps.health ?? createHealth({ durable: durable.ping, shared: shared.ping }),
    pages: createPages({
      assetsPath: ASSETS_PATH,
      productName: config.productName ?? 'Latchkey',
      templateDirs: config.templateDirs ?? [],
    }),
    accounts: createAccounts({ durable, shared, audit, pepper: config.pepper, now }),
    authority: createAuthority({ durable, shared, logger, now, lifetimes: lifetimesOf(config) }),
    verifier: createAccessTokenVerifier({ keyRing, issuer: config.issuer, now }),
    tokenPolicy: createTokenPolicy(directory, status),
    apiKeys: createPresentedApiKeys({ durable, pepper: config.pepper }),
    ...takesLeakReports(config, { logger, now }),
    limiter: createLimiter(shared, logger),
    operatorFor: createOperatorFor({ durable, shared, logger, now }),
    codeRedemption: createCodeRedemption({ shared, lifetimes: lifetimesOf(config), logger, now }),
  };
  await directory.listResourceServers();
  const follower = await follow(appDeps);
  return {
    handler: followKeys(keyRing, (keySet) => createApp(appDeps, keySet)),
    async ready() {
      await Promise.all([durable.ping(), shared.ping()]);
    },
    async stop() {
      keyRing.stop();
      stopAnnouncing();
      appDeps.limiter.close();
      await follower.close();
    },
  };
}

/**
 * Every process announces for itself, once it serves a new set. The announcement of whoever rotated comes before that,
 * and who fetches the keys then may get the old ones, from this process or another; after the last of ours nobody does.
 */
function openKeyRing(
  { encryptionKey }: AuthConfig,
  { shared, ...deps }: Pick<AppDeps, 'durable' | 'shared' | 'logger' | 'now'>,
): Promise<KeyRing> {
  const onChange = () => {
    shared.feed.publish({ type: 'signing_keys' }).catch((error) => {
      deps.logger.warn({ err: error }, 'signing keys not announced yet');
    });
  };
  return createKeyRing({ ...deps, encryptionKey, onChange });
}

/** The same stores, whose feed is told again of what it did not take. */
function announcing(shared: SharedStorage, directory: AppDeps['directory']) {
  const { publish, stop } = createAnnouncements<FeedEvent>({
    publish: shared.feed.publish,
    tell: directory.onEvent,
  });
  return { shared: { ...shared, feed: { ...shared.feed, publish } }, stop };
}

function createLimiter(shared: SharedStorage, logger: Logger): RateLimiter {
  return createRateLimiter({
    permits: shared.permits,
    group: 'auth',
    onUnavailable: (error) => logger.warn({ err: error }, 'request limits are kept by this process alone'),
  });
}

function takesLeakReports(
  { leakReportKeysUrl: url }: AuthConfig,
  deps: Pick<AppDeps, 'logger' | 'now'>,
): Pick<AppDeps, 'reporterKeys'> {
  return url === undefined ? {} : { reporterKeys: createReporterKeys({ ...deps, url }) };
}

/** The handler for the keys of the moment. Swapped between requests; none is interrupted. */
function followKeys(keyRing: KeyRing, create: (keySet: KeySet) => RequestListener): RequestListener {
  let keySet = keyRing.current();
  let handler = create(keySet);
  return (request, response) => {
    if (keyRing.current() !== keySet) {
      keySet = keyRing.current();
      handler = create(keySet);
    }
    handler(request, response);
  };
}

/** Drops copies that another process says are stale. */
function follow({ shared, directory, keyRing, logger }: AppDeps): Promise<{ close(): Promise<void> }> {
  const reload = () => {
    keyRing.reload().catch((error) => logger.warn({ err: error }, 'signing keys not read'));
  };
  return shared.feed.follow({
    onEvent(event) {
      directory.onEvent(event);
      if (event.type === 'signing_keys') reload();
    },
    onGap() {
      directory.dropAll();
      reload();
    },
  });
}
