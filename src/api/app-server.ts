import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import type { Express } from 'express';

/**
 * An HTTP server for an Express application, not listening yet. Express gives each request and answer another prototype
 * than the one they were made with, after which every access to them is slow; here they are born with it.
 */
export function apiServer(app: Express): Server {
  return createServer(
    { IncomingMessage: bornAs(IncomingMessage, app.request), ServerResponse: bornAs(ServerResponse, app.response) },
    app,
  );
}

/** The same constructor, making objects with another prototype (that inherits from the constructor's own). */
function bornAs<C extends abstract new (...args: never[]) => object>(constructor: C, prototype: object): C {
  function Born(this: object, ...args: unknown[]): void {
    // Both are functions of the old kind, hence callable on an object that is there already.
    (constructor as unknown as (this: object, ...args: unknown[]) => void).apply(this, args);
  }
  Born.prototype = prototype;
  return Born as unknown as C;
}
