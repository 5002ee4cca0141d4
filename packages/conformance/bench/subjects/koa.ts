import Koa from 'koa';
import { listenAnywhere, serveSubject } from '../subject.ts';

/** The baseline of every guard: Koa, and an answer of a size an API gives. */
const app = new Koa();
app.use((ctx) => {
  ctx.body = { data: [], next_cursor: null };
});

serveSubject({ url: await listenAnywhere(app.callback()), method: 'GET', headers: {} });
