/** What the tests need beyond npm packages, and how each system's package manager calls it. */
import { findChromium, findPostgres, findProgram, findRedis } from './programs.ts';

export type PackageManager = 'apt-get' | 'dnf' | 'brew';

export interface Requirement {
  readonly name: string;
  readonly find: () => string | undefined;
  readonly packages: Readonly<Record<PackageManager, string>>;
}

export const requirements: readonly Requirement[] = [
  {
    name: 'Redis',
    find: findRedis,
    packages: { 'apt-get': 'redis-server', dnf: 'redis', brew: 'redis' },
  },
  {
    name: 'PostgreSQL',
    find: () => findPostgres()?.postgres,
    packages: { 'apt-get': 'postgresql', dnf: 'postgresql-server', brew: 'postgresql@17' },
  },
  {
    name: 'Chromium',
    find: findChromium,
    packages: { 'apt-get': 'chromium', dnf: 'chromium', brew: 'google-chrome' },
  },
];

export function findPackageManager(): PackageManager | undefined {
  const managers: readonly PackageManager[] = ['apt-get', 'dnf', 'brew'];
  return managers.find((manager) => findProgram([manager]) !== undefined);
}

/** The one line a person types to install what is missing. */
export function installLine(missing: readonly Requirement[], manager: PackageManager): string {
  const packages = missing.map((requirement) => requirement.packages[manager]).join(' ');
  if (manager === 'brew') return `brew install ${packages}`;
  if (manager === 'dnf') return `sudo dnf install -y ${packages}`;
  return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages}`;
}

export function refusal(missing: readonly Requirement[], manager: PackageManager | undefined): string {
  if (manager !== undefined)
    return `The tests need more than npm installs. Run: ${installLine(missing, manager)}`;
  const names = missing.map((requirement) => requirement.name).join(', ');
  return `The tests need ${names} on the PATH (CHROMIUM_PATH names a browser elsewhere).`;
}
