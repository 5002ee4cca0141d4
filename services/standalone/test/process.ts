import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Description } from '../src/index.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

export interface Running {
  child: ChildProcess;
  output(): { stdout: string; stderr: string };
  /** Resolves when the process says that it is ready, or ends. */
  settled: Promise<'ready' | 'ended'>;
  exited: Promise<number | null>;
}

/** `npm start` as a process of its own on free ports. Killed when the test ends. */
export function launch(cwd: string, args: string[] = [], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', AUTH_PORT: '0', API_PORT: '0', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const texts = { stdout: '', stderr: '' };
  const { promise: settled, resolve: settle } = Promise.withResolvers<'ready' | 'ended'>();
  const { promise: exited, resolve: exit } = Promise.withResolvers<number | null>();
  child.stdout.on('data', (chunk) => {
    texts.stdout += chunk;
    if (texts.stdout.includes('Ctrl-C stops everything')) settle('ready');
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  child.on('close', (code) => {
    settle('ended');
    exit(code);
  });
  return { child, output: () => texts, settled, exited };
}

/** Launches and waits until it serves. */
export async function launchReady(cwd: string, args: string[] = []): Promise<Running> {
  const running = launch(cwd, args);
  if ((await running.settled) === 'ready') return running;
  throw new Error(`did not start: ${JSON.stringify(running.output())}`);
}

export async function stop({ child, exited }: Running): Promise<number | null> {
  child.kill('SIGTERM');
  return exited;
}

export async function newFolder(): Promise<{ cwd: string; remove(): Promise<void> }> {
  const cwd = await mkdtemp(join(tmpdir(), 'latchkey-standalone-'));
  return { cwd, remove: () => rm(cwd, { recursive: true, force: true }) };
}

export async function readDescription(cwd: string): Promise<Description> {
  return JSON.parse(await readFile(join(cwd, '.latchkey/standalone.json'), 'utf8'));
}

export async function fetchToken(
  issuer: string,
  form: Record<string, string>,
): Promise<{ status: number; access_token: string }> {
  const response = await fetch(`${issuer}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const body = (await response.json()) as { access_token?: string };
  return { status: response.status, access_token: String(body.access_token) };
}
