import { Command } from 'commander';
import { readDeclarationFile } from '../apply/file.ts';
import { formatPlan, formatSecrets } from '../apply/format.ts';
import { planDeclaration, runPlan } from '../apply/plan.ts';
import { CHANGE_SECRETS, withSession } from '../terminal/session.ts';

export function applyCommand(): Command {
  return new Command('apply')
    .argument('<file>', 'YAML or JSON: organizations, users, clients, resource_servers')
    .description('bring the registry to the state a file declares; what the file does not name is left alone')
    .option('--dry-run', 'show the plan and write nothing')
    .action((file: string, { dryRun = false }: { dryRun?: boolean }, command: Command) =>
      withSession(command, CHANGE_SECRETS, async ({ env, operator, out, confirm }) => {
        const declaration = await readDeclarationFile(file);
        const steps = await planDeclaration(operator, env.PEPPER, declaration);
        const changes = steps.filter(({ action }) => action !== 'unchanged');
        out.say(formatPlan(steps));
        const applies = changes.length > 0 && !dryRun;
        if (applies) await confirm(`Make ${changes.length} change(s)?`);
        const secrets = applies ? await runPlan(changes) : [];
        if (secrets.length > 0) out.say(formatSecrets(secrets));
        if (applies) out.say('Done.');
        const plan = steps.map(({ action, kind, name, changes }) => ({ action, kind, name, changes }));
        out.document({ applied: applies, plan, secrets });
      }),
    )
    .addHelpText(
      'after',
      `
A second run finds nothing to do. Secrets and ids may be given in the file; see packages/cli/README.md for every
member and infra/apply.example.yaml for an example.

Examples:
  latchkey apply registry.yaml --dry-run
  latchkey apply registry.yaml --yes --json`,
    );
}
