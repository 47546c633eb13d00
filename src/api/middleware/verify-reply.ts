import { STREAMED, type Call, type Reply, type Route } from '../route.ts';

type Handler = (call: Call<unknown, unknown, unknown>) => Promise<Reply | typeof STREAMED>;

/** The route's handler, made to fail when it answers otherwise than it is documented. */
export function verified(row: Route): Handler {
  const handler = row.handler as unknown as Handler;
  return async (call) => {
    const reply = await handler(call);
    if (reply !== STREAMED) assertDocumented(row, reply);
    return reply;
  };
}

function assertDocumented(row: Route, reply: Reply): void {
  const documented = row.responses[reply.status];
  const name = `${row.method.toUpperCase()} ${row.path}`;
  if (!documented) throw new Error(`${name} answers ${reply.status}, which is not documented`);
  if (!documented.schema || typeof reply.body === 'string') return;
  // As the caller gets it: dates are text by then.
  const body: unknown = reply.body === undefined ? undefined : JSON.parse(JSON.stringify(reply.body));
  const result = documented.schema.safeParse(body);
  if (!result.success)
    throw new Error(`${name} answers ${reply.status} with another body: ${result.error.message}`);
}
