import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createApi } from '@latchkey/api';
import { createAuth, type RequestLimits } from '@latchkey/auth';
import { type Declaration, formatPlan, planDeclaration, runPlan, sayAsMade } from '@latchkey/cli';
import { createOperator, type Operator, purgeExpired } from '@latchkey/registry';
import { createMetrics, type Logger } from '@latchkey/service';
import { type DurableStorage, lockDataDir, openMemory, type SharedStorage } from '@latchkey/storage';
import { type DataFolder, openDataFolder, writePrivateJson } from './data-folder.ts';
import { openDatabase } from './database.ts';
import { type Addresses, type Description, demoDeclaration, describeDemo } from './demo.ts';
import { prepareApiKeys } from './demo-api-keys.ts';
import { seedDemoData } from './demo-data.ts';
import { openLog } from './log.ts';
import { type Port, takePort } from './ports.ts';
import { type ApiKeys, loadSecrets, type Secrets } from './secrets.ts';

export interface StandaloneOptions {
  dataDir: string;
  authPort: number;
  apiPort: number;
  /** Of the log file: debug, info, warn, error or silent. */
  logLevel?: string;
  /** Of the authorization server's endpoints. */
  limits: RequestLimits;
  /** Applied before anything is served. */
  declaration?: Declaration | undefined;
  /** Tells the person at the terminal what is going on. */
  say(text: string): void;
  warn(text: string): void;
}

export interface Standalone {
  description: Description;
  folder: DataFolder;
  stop(): Promise<void>;
}

type Cleanup = () => unknown;

/** Everything in one process on embedded stores. */
export async function startStandalone(options: StandaloneOptions): Promise<Standalone> {
  const cleanups: Cleanup[] = [];
  const stop = async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  };
  try {
    return { ...(await start(options, (cleanup) => cleanups.push(cleanup))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What was begun is taken back in reverse order, by `onStop`. */
async function start(
  options: StandaloneOptions,
  onStop: (cleanup: Cleanup) => void,
): Promise<Omit<Standalone, 'stop'>> {
  const { say, warn, authPort, apiPort, limits, logLevel = 'info' } = options;
  const folder = await openDataFolder(options.dataDir);
  onStop(lockDataDir(join(folder.path, 'standalone')));
  // Whoever waits for the description must not find that of an earlier run.
  await rm(folder.description, { force: true });
  const auth = await takePort(authPort, 'AUTH_PORT');
  onStop(auth.close);
  const api = await takePort(apiPort, 'API_PORT');
  onStop(api.close);
  const addresses = { issuer: auth.url, api: api.url };
  const secrets = await loadSecrets(folder);
  const durable = await openDatabase(folder, say);
  onStop(durable.close);
  const shared = openMemory();
  onStop(shared.close);
  const log = openLog(folder.log, logLevel, warn);
  onStop(log.close);
  const apiKeys = await prepareRegistry({ durable, shared, secrets, addresses, folder }, options);
  const stores = { durable, shared };
  onStop(
    await serveAuth(auth, addresses, { secrets, limits }, { ...stores, logger: log.createLogger('auth') }),
  );
  onStop(await serveApi(api, addresses, secrets, { ...stores, logger: log.createLogger('api') }));
  // Before all else: requests in flight still need the stores.
  onStop(async () => {
    await api.close();
    await auth.close();
  });
  const description = describeDemo({ ...secrets, api_keys: apiKeys }, addresses);
  await writePrivateJson(folder.description, description);
  return { description, folder };
}

interface Prepared {
  durable: DurableStorage;
  shared: SharedStorage;
  secrets: Secrets;
  addresses: Addresses;
  folder: DataFolder;
}

/** The demo first, then the operator's own file, which may build on it. */
async function prepareRegistry(
  { durable, shared, secrets, addresses, folder }: Prepared,
  { declaration, say }: StandaloneOptions,
): Promise<ApiKeys> {
  const operator = createOperator({ durable, feed: shared.feed, name: 'standalone' });
  await purgeExpired(operator);
  const pepper = Buffer.from(secrets.pepper, 'hex');
  await runPlan(await planDeclaration(operator, pepper, demoDeclaration(secrets, addresses)));
  await seedDemoData(durable, operator.now());
  const apiKeys = await prepareApiKeys(operator, pepper, secrets.api_keys);
  await writePrivateJson(folder.secrets, { ...secrets, api_keys: apiKeys });
  if (declaration) await applyDeclaration(operator, pepper, declaration, say);
  return apiKeys;
}

async function applyDeclaration(
  operator: Operator,
  pepper: Buffer,
  declaration: Declaration,
  say: StandaloneOptions['say'],
): Promise<void> {
  const steps = await planDeclaration(operator, pepper, declaration);
  say(formatPlan(steps));
  await runPlan(steps, sayAsMade(say));
}

interface Deps {
  durable: DurableStorage;
  shared: SharedStorage;
  logger: Logger;
}

async function serveAuth(
  port: Port,
  { issuer }: Addresses,
  { secrets, limits }: { secrets: Secrets; limits: RequestLimits },
  deps: Deps,
): Promise<Cleanup> {
  const config = {
    issuer,
    pepper: Buffer.from(secrets.pepper, 'hex'),
    encryptionKey: Buffer.from(secrets.encryption_key, 'hex'),
    cookieKeys: [secrets.cookie_key],
    trustedProxies: [],
    limits,
  };
  const auth = await createAuth(config, { ...deps, metrics: createMetrics('auth') });
  port.serve(auth.handler);
  await auth.ready();
  return auth.stop;
}

async function serveApi(
  port: Port,
  { issuer, api: origin }: Addresses,
  secrets: Secrets,
  deps: Deps,
): Promise<Cleanup> {
  const pepper = Buffer.from(secrets.pepper, 'hex');
  const config = { origin, audience: origin, issuer, pepper, trustedProxies: [] };
  const api = await createApi(config, { ...deps, metrics: createMetrics('api') });
  port.serve(api.handler);
  await api.ready();
  return api.stop;
}
