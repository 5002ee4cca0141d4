/** Run by `npm test` before the tests: finds the servers and the browser they need, or installs them. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findPackageManager, type Requirement, refusal, requirements } from './requirements.ts';

const policyFile = '/usr/sbin/policy-rc.d';

function report(found: readonly Requirement[]): void {
  for (const { name, find } of found) process.stdout.write(`${name}: ${find() ?? 'missing'}\n`);
}

function missingOnes(): Requirement[] {
  return requirements.filter((requirement) => requirement.find() === undefined);
}

/** Debian's packages start their services; tests start their own, so the package manager is told not to. */
function withoutStartingServices(install: () => void): void {
  const ours = !existsSync(policyFile);
  if (ours) writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    install();
  } finally {
    if (ours) rmSync(policyFile, { force: true });
  }
}

function aptGet(...args: string[]): void {
  spawnSync('apt-get', args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
}

function installWithApt(missing: readonly Requirement[]): void {
  const packages = missing.flatMap((requirement) => requirement.packages['apt-get'] ?? []);
  process.stdout.write(`Installing ${packages.join(' ')} with apt-get\n`);
  withoutStartingServices(() => {
    aptGet('update', '-q');
    aptGet('install', '-q', '-y', '--no-install-recommends', ...packages);
  });
}

function main(): number {
  const manager = findPackageManager();
  const missing = missingOnes();
  if (missing.length > 0 && manager === 'apt-get' && process.getuid?.() === 0) installWithApt(missing);
  const stillMissing = missingOnes();
  if (stillMissing.length > 0) {
    process.stderr.write(`${refusal(stillMissing, manager)}\n`);
    return 1;
  }
  report(requirements);
  return 0;
}

process.exitCode = main();
