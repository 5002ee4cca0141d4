import { Command } from 'commander';
import { readDeclarationFile } from '../apply/file.ts';
import { formatPlan, formatSecrets, sayAsMade } from '../apply/format.ts';
import { planDeclaration, runPlan } from '../apply/plan.ts';
import type { Generated, Step } from '../apply/step.ts';
import type { Output } from '../terminal/output.ts';
import { CHANGE_SECRETS, withSession } from '../terminal/session.ts';
import { stoppable } from '../terminal/stop.ts';

export function applyCommand(): Command {
  return new Command('apply')
    .argument('<file>', 'YAML or JSON: organizations, users, clients, resource_servers, api_keys')
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
        const generated = applies ? await runAndShow(changes, out) : [];
        if (applies) out.say('Done.');
        const plan = steps.map(({ run: _, ...step }) => step);
        const secrets = generated.filter((one) => 'client_secret' in one);
        const apiKeys = generated.filter((one) => 'key' in one);
        out.document({ applied: applies, plan, secrets, api_keys: apiKeys });
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

/** What was made before a failure or a stop is shown all the same, beside JSON too: it cannot be shown again. */
async function runAndShow(changes: Step[], out: Output): Promise<Generated[]> {
  const generated: Generated[] = [];
  const show = sayAsMade(out.say);
  const onGenerated = (one: Generated) => {
    generated.push(one);
    show(one);
  };
  try {
    await stoppable((signal) => runPlan(changes, onGenerated, signal));
  } catch (error) {
    if (generated.length > 0) out.salvage(formatSecrets(generated));
    throw error;
  }
  return generated;
}
