import { HttpError } from '@latchkey/service';
import type Koa from 'koa';
import { DISCOVERY_PATHS } from './discovery.ts';
import { ROUTES } from './routes.ts';

const PATHS = [
  ...Object.values(ROUTES),
  ...DISCOVERY_PATHS,
  `${ROUTES.end_session}/confirm`,
  `${ROUTES.end_session}/success`,
];

/**
 * A path is what it says, letter by letter. The library's router also takes `/OAUTH/TOKEN` and `/oauth/token/` for the
 * token endpoint, and by such a spelling a request would get past everything that we do by path: limits among it.
 */
export function exactPaths(): Koa.Middleware {
  return function exactPath({ path }, next) {
    const folded = path.toLowerCase();
    const otherCase =
      folded !== path && PATHS.some((known) => folded.startsWith(known) && !path.startsWith(known));
    if (otherCase || (path !== '/' && path.endsWith('/'))) throw new HttpError('not_found');
    return next();
  };
}
