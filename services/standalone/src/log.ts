import { createWriteStream } from 'node:fs';
import { createLogger, type Logger } from '@latchkey/service';

export interface Log {
  createLogger(service: string): Logger;
  close(): Promise<void>;
}

/**
 * Keeps the terminal readable: every line goes to a file, which starts anew with each run, and warnings and errors
 * come up in one line each.
 */
export function openLog(path: string, level: string, warn: (text: string) => void): Log {
  const file = createWriteStream(path, { flags: 'w', mode: 0o600 });
  const destination = {
    write(line: string) {
      file.write(line);
      const summary = summarize(line);
      if (summary) warn(summary);
    },
  };
  return {
    createLogger: (service) => createLogger({ service, level }, destination),
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      file.end(resolve);
      await promise;
    },
  };
}

interface Line {
  level: string;
  service: string;
  msg?: string;
  request_id?: string;
  err?: { message?: string };
}

function summarize(text: string): string | undefined {
  const line: Line = JSON.parse(text);
  if (!['warn', 'error', 'fatal'].includes(line.level)) return undefined;
  const cause = line.err?.message ? `: ${line.err.message}` : '';
  const request = line.request_id ? ` (request ${line.request_id})` : '';
  return `${line.level}  ${line.service}  ${line.msg ?? ''}${cause}${request}`;
}
