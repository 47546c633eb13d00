import type { Request, Response } from 'express';
import type { Route } from '../route.ts';

/** What pages may send: what Temporal Web UI does. Cookies are not among it, because none is read here. */
const HEADERS = 'authorization, authorization-extras, content-type, x-namespace';
const PREFLIGHT_SECONDS = 600;

/** The method that the page of another origin is about to use; undefined: this is not the question for it. */
export function preflightFor({ method, headers }: Request): string | undefined {
  return method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
}

/** Tells a browser that a page of one of the origins of the route may call it; others are told nothing. */
export function letPagesCall({ origins, method }: Route, req: Request, res: Response): void {
  if (origins === undefined) return;
  res.setHeader('Vary', 'Origin');
  const { origin } = req.headers;
  if (origin === undefined || !origins.includes(origin)) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  if (req.method !== 'OPTIONS') return;
  res.setHeader('Access-Control-Allow-Methods', method.toUpperCase());
  res.setHeader('Access-Control-Allow-Headers', HEADERS);
  res.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
}
