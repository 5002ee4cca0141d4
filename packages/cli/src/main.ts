import { createProgram } from './program.ts';
import { reportFailure } from './terminal/failure.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error);
}
