import { hash } from 'node:crypto';
import { NotFoundError, type Operator, reportLeakedApiKey } from '@latchkey/registry';
import { HttpError, parseJson } from '@latchkey/service';
import { z } from 'zod';
import type { PresentedApiKeys } from '../api-keys/api-keys.ts';

/** Of one report; the reporter splits longer ones. */
const MAX_MATCHES = 5_000;

/** One place in which something was found that looks like a key of ours. Members that we do not know may be added. */
const match = z.looseObject({
  token: z.string(),
  type: z.string().max(200),
  url: z.string().nullish(),
  source: z.string().nullish(),
});
const report = z.array(z.unknown()).max(MAX_MATCHES);

export type Match = z.infer<typeof match>;

/** What the reporter is told about each text it found, so that it can learn. Never the text itself. */
export interface Feedback {
  /** SHA-256 in base64. */
  token_hash: string;
  token_type: string;
  label: 'true_positive' | 'false_positive';
}

/**
 * An entry that cannot be read must not keep the keys beside it alive: it is left out, and `onFaults` told.
 * @param onFaults is told members, never values, which may be keys
 * @throws {HttpError} `invalid_request` where nothing can be read; its cause names what `onFaults` would be told
 */
export function parseReport(body: string, onFaults: (faults: Error) => void): Match[] {
  const description = 'The report must be a JSON array of objects with token and type';
  const entries = report.safeParse(parseJson(body, { description }));
  const parsed = (entries.data ?? []).map((entry) => match.safeParse(entry));
  const matches = parsed.flatMap(({ data }) => data ?? []);
  const faults = [
    ...describe(entries.error),
    ...parsed.flatMap(({ error }, index) => describe(error, String(index))),
  ];
  if (faults.length === 0) return matches;
  const cause = new Error(faults.slice(0, MAX_FAULTS).join(', '));
  if (matches.length === 0) throw new HttpError('invalid_request', { description, cause });
  onFaults(cause);
  return matches;
}

/** Written down of one report. */
const MAX_FAULTS = 20;

function describe(error: z.ZodError | undefined, ...place: string[]): string[] {
  return (error?.issues ?? []).map(({ code, path }) => `${[...place, ...path].join('.')} ${code}`);
}

/**
 * Does with each key what its organisation has chosen. A text that was found in several places is one key and several
 * reports; a report that comes again changes nothing that is not changed already, and is written down once a day.
 */
export async function handleReport(
  matches: readonly Match[],
  deps: { apiKeys: Pick<PresentedApiKeys, 'verifyAll'>; operator: Operator },
): Promise<Feedback[]> {
  const found = await deps.apiKeys.verifyAll([...new Set(matches.map(({ token }) => token))]);
  for (const { token, url, source } of matches) {
    const apiKey = found.get(token);
    if (!apiKey) continue;
    const place = { url: url ?? '', source: source ?? '' };
    await reportLeakedApiKey(deps.operator, apiKey.id, place).catch(unlessDeleted);
  }
  const byToken = new Map(matches.map(({ token, type }) => [token, type]));
  return [...byToken].map(([token, type]) => ({
    token_hash: hash('sha256', token, 'base64'),
    token_type: type,
    label: found.has(token) ? 'true_positive' : 'false_positive',
  }));
}

/** Deleted since it was verified: there is nothing left to end, and the rest of the report still counts. */
function unlessDeleted(error: unknown): void {
  if (!(error instanceof NotFoundError)) throw error;
}
