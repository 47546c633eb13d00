import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { AppError } from '../../contract/errors.ts';
import type { OpenApiDocument } from '../openapi.ts';
import { route, STREAMED, type Route } from '../route.ts';

const ASSETS = path.dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const SERVED = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);
const ONE_DAY_MS = 86_400_000;

/** Scripts and styles from here only; the one exception is what Swagger UI sets on elements and its inline icons. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Orchestrator API</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
`;

const START = `window.ui = SwaggerUIBundle({
  url: '../openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
`;

const OPEN = { method: 'get', group: 'platform', root: true, public: true, installation: true } as const;

/** The OpenAPI document, and Swagger UI served from this process. */
export function documentationRoutes(document: () => OpenApiDocument): Route[] {
  let text: string | undefined;
  return [
    route({
      ...OPEN,
      path: '/openapi.json',
      summary: 'This document.',
      responses: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
      handler: () => {
        text ??= JSON.stringify(document());
        return Promise.resolve({ status: 200, body: text, headers: { 'Content-Type': 'application/json' } });
      },
    }),
    textRoute('/swagger/index.html', 'text/html; charset=utf-8', PAGE),
    textRoute('/swagger/start.js', 'text/javascript; charset=utf-8', START),
    assetRoute(),
  ];
}

function textRoute(at: string, media_type: string, body: string): Route {
  const headers = { 'Content-Type': media_type, 'Content-Security-Policy': PAGE_POLICY };
  return route({
    ...OPEN,
    path: at,
    summary: 'Swagger UI.',
    responses: { 200: { description: 'A part of the page.', media_type: media_type.split(';')[0]! } },
    handler: () => Promise.resolve({ status: 200, body, headers }),
  });
}

function assetRoute(): Route {
  return route({
    ...OPEN,
    path: '/swagger/:asset',
    summary: 'Swagger UI.',
    params: z.object({ asset: z.string() }),
    responses: { 200: { description: 'A part of the page.', media_type: 'application/octet-stream' } },
    handler: async ({ params, res }) => {
      if (!SERVED.has(params.asset)) throw new AppError('not_found');
      await new Promise<void>((resolve, reject) => {
        res.sendFile(params.asset, { root: ASSETS, maxAge: ONE_DAY_MS }, (error) =>
          error ? reject(error) : resolve(),
        );
      });
      return STREAMED;
    },
  });
}
