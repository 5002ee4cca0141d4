import { once } from 'node:events';
import { mkdir, readdir, readFile, realpath, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openPglite } from '@latchkey/storage';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Description } from '../src/index.ts';
import { fetchToken, launch, launchReady, newFolder, readDescription, stop } from './process.ts';

const EXAMPLE = fileURLToPath(new URL('../../../infra/apply.example.yaml', import.meta.url));

let folder: Awaited<ReturnType<typeof newFolder>>;
beforeAll(async () => {
  folder = await newFolder();
});
afterAll(() => folder?.remove());

/** Of the demo's machine client; the first token and the first call that the terminal prints. */
async function callApi({ issuer, api, clients }: Description, scope = 'work-orders:read') {
  const { client_id, client_secret = '' } = clients.machine;
  const grant = { grant_type: 'client_credentials', client_id, client_secret, scope };
  const { access_token } = await fetchToken(issuer, grant);
  const headers = { Authorization: `Bearer ${access_token}` };
  const response = await fetch(`${api}/api/v2/work-orders`, { headers });
  return { status: response.status, body: await response.json() };
}

/** Of the work orders that a key shows; none where it is refused. */
async function numbersFor(api: string, key: string): Promise<string[]> {
  const headers = { Authorization: `Bearer ${key}` };
  const response = await fetch(`${api}/api/v2/work-orders`, { headers });
  const { data = [] } = (await response.json()) as { data?: { number: string }[] };
  return data.map(({ number }) => number);
}

const mode = async (path: string) => ((await stat(join(folder.cwd, path))).mode & 0o777).toString(8);

/** A start prepares or opens a database, on a machine that may be busy with other tests. */
const timeout = 120_000;

describe('npm start', { timeout }, () => {
  it('prepares everything on the first start and describes it in standalone.json', async () => {
    const running = await launchReady(folder.cwd);
    expect(running.output().stdout).toContain('Preparing the database (first start only');
    const description = await readDescription(folder.cwd);
    const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/);
    const client_id = expect.stringMatching(/^client_/);
    const client_secret = expect.stringMatching(/^[0-9A-Za-z]{43}$/);
    const redirect_uris = [expect.stringMatching(/^http:\/\/127\.0\.0\.1/)];
    expect(description).toEqual({
      issuer: url,
      api: url,
      users: ['owner', 'admin', 'developer', 'viewer'].map((role) => ({
        email: `${role}@acme.example`,
        password: expect.stringMatching(/^[0-9A-Za-z]{20}$/),
        role,
      })),
      clients: {
        web: { client_id, client_secret, redirect_uris },
        spa: { client_id, redirect_uris },
        native: { client_id, redirect_uris },
        machine: { client_id, client_secret },
        resource_server: { client_id, client_secret },
      },
      api_keys: {
        live: expect.stringMatching(/^sk_live_\w{70}$/),
        test: expect.stringMatching(/^sk_test_\w{70}$/),
      },
    });
    expect(await callApi(description)).toMatchObject({ status: 200, body: { data: expect.any(Array) } });
    expect(await stop(running)).toBe(0);
  });

  it('lets nobody but its owner look into the folder', async () => {
    expect(await mode('.latchkey')).toBe('700');
    for (const file of ['standalone.json', 'secrets.json', 'standalone.log']) {
      expect(await mode(`.latchkey/${file}`)).toBe('600');
    }
  });

  it('finds the same data and credentials on the second start, and a first call that works in the terminal', async () => {
    const before = await readDescription(folder.cwd);
    const running = await launchReady(folder.cwd);
    expect(running.output().stdout).not.toContain('Preparing the database');
    const { issuer, api, ...after } = await readDescription(folder.cwd);
    expect(after).toEqual({ users: before.users, clients: before.clients, api_keys: before.api_keys });
    const [, tokenUrl, form] = /^TOKEN=\$\(curl -sS (\S+) -d '(\S+)' \|/m.exec(running.output().stdout) ?? [];
    const [, callUrl] =
      /^curl -sS (\S+) -H "Authorization: Bearer \$TOKEN"$/m.exec(running.output().stdout) ?? [];
    expect([tokenUrl, callUrl]).toEqual([`${issuer}/oauth/token`, `${api}/api/v2/work-orders`]);
    const { access_token } = await fetchToken(issuer, Object.fromEntries(new URLSearchParams(form)));
    const headers = { Authorization: `Bearer ${access_token}` };
    const { data } = (await (await fetch(String(callUrl), { headers })).json()) as {
      data: { number: string }[];
    };
    expect(data.map(({ number }) => number)).toEqual(['WO-1004', 'WO-1003', 'WO-1002', 'WO-1001']);
    expect(await stop(running)).toBe(0);
  });

  it('prints a call with the live key, and brings no revoked key back', async () => {
    const running = await launchReady(folder.cwd);
    const { issuer, api, api_keys: keys } = await readDescription(folder.cwd);
    const printed = /^curl -sS (\S+) -H "Authorization: Bearer (sk_live_\w+)"$/m.exec(
      running.output().stdout,
    );
    expect(printed?.slice(1)).toEqual([`${api}/api/v2/work-orders`, keys.live]);
    expect(await numbersFor(api, keys.live)).toContain('WO-1001');
    expect(await numbersFor(api, keys.test)).toContain('TEST-1001');
    const revoked = new URLSearchParams({ token: keys.live });
    expect((await fetch(`${issuer}/oauth/revoke`, { method: 'POST', body: revoked })).status).toBe(200);
    expect(await stop(running)).toBe(0);
    const again = await launchReady(folder.cwd);
    const { api: nextApi, api_keys: next } = await readDescription(folder.cwd);
    expect(next.test).toBe(keys.test);
    expect(next.live).not.toBe(keys.live);
    expect(await numbersFor(nextApi, keys.live)).toEqual([]);
    expect(await numbersFor(nextApi, next.live)).toContain('WO-1001');
    expect(await stop(again)).toBe(0);
  });

  it('refuses a second process on the folder, which the first survives', async () => {
    const first = await launchReady(folder.cwd);
    const second = launch(folder.cwd);
    expect(await second.exited).toBe(1);
    expect(second.output().stderr).toContain('Another Latchkey runs on this data folder');
    expect((await callApi(await readDescription(folder.cwd))).status).toBe(200);
    expect(await stop(first)).toBe(0);
  });

  it('recovers from a kill: the lock of a dead process holds nobody up', async () => {
    const first = await launchReady(folder.cwd);
    first.child.kill('SIGKILL');
    await first.exited;
    const second = await launchReady(folder.cwd);
    expect((await callApi(await readDescription(folder.cwd))).status).toBe(200);
    expect(await stop(second)).toBe(0);
  });

  it('stops cleanly on Ctrl-C and leaves no lock behind', async () => {
    const running = await launchReady(folder.cwd);
    running.child.kill('SIGINT');
    expect(await running.exited).toBe(0);
    const files = await readdir(join(folder.cwd, '.latchkey'));
    expect(files.toSorted()).toEqual(['db', 'secrets.json', 'standalone.json', 'standalone.log']);
  });

  it('keeps requests out of the terminal and in the log', async () => {
    const running = await launchReady(folder.cwd);
    await callApi(await readDescription(folder.cwd));
    expect(await stop(running)).toBe(0);
    expect(running.output().stdout).not.toContain('"request"');
    const log = await readFile(join(folder.cwd, '.latchkey/standalone.log'), 'utf8');
    const paths = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).path);
    expect(paths).toContain('/api/v2/work-orders');
    const { clients } = await readDescription(folder.cwd);
    expect(log).not.toContain(String(clients.machine.client_secret));
  });

  it('deletes at its start what is long over, and says nothing of it', async () => {
    const open = () => openPglite({ dataDir: join(folder.cwd, '.latchkey/db') });
    const ended = new Date('2020-01-01T00:00:00Z');
    const revocation = { subject: 'token', id: 'long_over', revokedAt: ended, expiresAt: ended } as const;
    const before = await open();
    await before.revocations.put(revocation);
    await before.close();
    const running = await launchReady(folder.cwd);
    expect(await stop(running)).toBe(0);
    expect(running.output().stdout).not.toMatch(/purge|delete/i);
    const after = await open();
    onTestFinished(after.close);
    expect(await after.revocations.findAny([revocation])).toEqual([]);
  });

  it('applies a file before it serves, and finds nothing to do the next time', async () => {
    const first = await launchReady(folder.cwd, ['--apply', EXAMPLE]);
    expect(first.output().stdout).toContain('create  organization     org_northwind');
    const shown = /^ {2}Ledger export \(org_northwind, live\) {2}sk_live_\w+$/m;
    expect(first.output().stdout).toMatch(shown);
    const { issuer } = await readDescription(folder.cwd);
    const token = await fetchToken(issuer, {
      grant_type: 'client_credentials',
      resource: 'https://ledger.northwind.example',
    });
    expect(token.status, 'no client authentication (RFC 6749 §5.2)').toBe(401);
    const basic = Buffer.from('client_northwind_import:northwind-import-secret-0002').toString('base64');
    const response = await fetch(`${issuer}/oauth/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'work-orders:read' }),
    });
    expect(response.status).toBe(200);
    expect(await stop(first)).toBe(0);
    const second = await launchReady(folder.cwd, ['--apply', EXAMPLE]);
    expect(second.output().stdout).not.toMatch(shown);
    expect(second.output().stdout).toContain('Nothing to do: 10 as declared.');
    expect(await stop(second)).toBe(0);
  });
});

describe('a start that cannot be', { timeout }, () => {
  it('names the variable of a taken port at once, before any database is made', async () => {
    const { cwd, remove } = await newFolder();
    onTestFinished(remove);
    const stranger = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void stranger.close());
    await once(stranger, 'listening');
    const address = stranger.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    for (const variable of ['AUTH_PORT', 'API_PORT']) {
      const running = launch(cwd, [], { [variable]: port });
      expect(await running.exited).toBe(1);
      expect(running.output().stderr).toMatch(new RegExp(`Port ${port} .* taken .* set ${variable}`));
    }
    expect(await readdir(join(cwd, '.latchkey'))).toEqual([]);
  });

  it('names every fault of a file to apply, and of the environment', async () => {
    const { cwd, remove } = await newFolder();
    onTestFinished(remove);
    const missing = launch(cwd, ['--apply', 'nowhere.yaml']);
    expect(await missing.exited).toBe(1);
    expect(missing.output().stderr).toContain(`${join(await realpath(cwd), 'nowhere.yaml')} cannot be read`);
    // npm keeps an option for itself where the -- before it is missing.
    const swallowed = launch(cwd, ['nowhere.yaml']);
    expect(await swallowed.exited).toBe(1);
    expect(swallowed.output().stderr).toContain('npm start -- --apply');
    const ports = launch(cwd, [], { AUTH_PORT: 'x', API_PORT: '70000', LOG_LEVEL: 'verbose' });
    expect(await ports.exited).toBe(1);
    expect(ports.output().stderr).toMatch(/AUTH_PORT.*\n.*API_PORT.*\n.*LOG_LEVEL: must be debug/);
  });

  it('in the middle of the first preparation is made good by the next', async () => {
    const { cwd, remove } = await newFolder();
    onTestFinished(remove);
    // What a kill leaves: a database of which only the first files were written.
    const database = join(cwd, '.latchkey/db');
    await mkdir(join(database, 'base'), { recursive: true });
    await writeFile(join(database, 'PG_VERSION'), '17\n');
    await writeFile(`${database}.unfinished`, '');
    const running = await launchReady(cwd);
    expect((await callApi(await readDescription(cwd))).status).toBe(200);
    expect(await readdir(join(cwd, '.latchkey'))).not.toContain('db.unfinished');
    expect(await stop(running)).toBe(0);
  });

  it('explains itself with --help', async () => {
    const running = launch(folder.cwd, ['--help']);
    expect(await running.exited).toBe(0);
    for (const word of ['--apply', '--data', 'AUTH_PORT', 'API_PORT']) {
      expect(running.output().stdout).toContain(word);
    }
  });
});
