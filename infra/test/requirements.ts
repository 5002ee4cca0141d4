/** What the tests need beyond npm packages, and how each system's package manager calls it. */
import { findChromium, findPostgres, findProgram, findPythonWithRequests, findRedis } from './programs.ts';

export type PackageManager = 'apt-get' | 'dnf' | 'brew';

export interface Requirement {
  readonly name: string;
  readonly find: () => string | undefined;
  /** Undefined where the manager has none: `elsewise` is typed then. */
  readonly packages: Readonly<Record<PackageManager, string | undefined>>;
  readonly elsewise?: string;
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
  {
    name: 'Python 3 with requests',
    find: findPythonWithRequests,
    packages: { 'apt-get': 'python3-requests', dnf: 'python3-requests', brew: undefined },
    // Homebrew ships no Python libraries, and its Python takes them from pip under protest only.
    elsewise: 'PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --user requests',
  },
];

export function findPackageManager(): PackageManager | undefined {
  const managers: readonly PackageManager[] = ['apt-get', 'dnf', 'brew'];
  return managers.find((manager) => findProgram([manager]) !== undefined);
}

/** The one line a person types to install what is missing. */
export function installLine(missing: readonly Requirement[], manager: PackageManager): string {
  const packages = missing.flatMap((requirement) => requirement.packages[manager] ?? []);
  const unpackaged = missing.filter((requirement) => requirement.packages[manager] === undefined);
  const commands = unpackaged.flatMap((requirement) => requirement.elsewise ?? []);
  if (packages.length > 0) commands.unshift(`${INSTALL[manager]} ${packages.join(' ')}`);
  return commands.join(' && ');
}

const INSTALL: Readonly<Record<PackageManager, string>> = {
  'apt-get': 'sudo apt-get update && sudo apt-get install -y --no-install-recommends',
  dnf: 'sudo dnf install -y',
  brew: 'brew install',
};

export function refusal(missing: readonly Requirement[], manager: PackageManager | undefined): string {
  if (manager !== undefined)
    return `The tests need more than npm installs. Run: ${installLine(missing, manager)}`;
  const names = missing.map((requirement) => requirement.name).join(', ');
  return `The tests need ${names} on the PATH (CHROMIUM_PATH names a browser elsewhere).`;
}
