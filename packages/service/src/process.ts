import { EnvError } from './env.ts';
import { createLogger, type Logger } from './logger.ts';
import { ListenError } from './server.ts';

export interface RunningService {
  /** Drains and stops. Called once. */
  stop(): Promise<void>;
}

/**
 * Runs a service as a process: starts it, stops it on SIGTERM or SIGINT, and ends with a message an operator
 * can act on when it cannot start. A second signal ends the process at once.
 */
export async function runProcess(name: string, start: () => Promise<RunningService>): Promise<void> {
  const logger = createLogger({ service: name });
  let service: RunningService;
  try {
    service = await start();
  } catch (error) {
    reportStartFailure(logger, name, error);
    process.exit(1);
  }
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping');
    await service.stop().catch((error) => logger.error({ err: error }, 'did not stop cleanly'));
    process.exit(0);
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

function reportStartFailure(logger: Logger, name: string, error: unknown): void {
  const known = error instanceof EnvError || error instanceof ListenError;
  if (known || (error instanceof Error && /^SchemaToo(New|Old)Error$/.test(error.name))) {
    process.stderr.write(`${name} did not start. ${error.message}\n`);
  } else {
    logger.fatal({ err: error }, 'did not start');
  }
}
