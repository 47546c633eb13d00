/** The reference for requests: Express and pg, one statement each. Also the server that http steps call. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { servePeer } from './peer.ts';

export interface WebStart {
  /** A database of its own. */
  database_url: string;
  max_connections: number;
}

export interface WebPlaces {
  /** `POST /rows {key, value}`, `GET /rows/:key`, `GET /empty`. */
  url: string;
  /** Answers 204 to everything. */
  nothing_url: string;
}

export interface WebCalls extends Record<string, (argument: never) => Promise<unknown>> {
  start(options: WebStart): Promise<WebPlaces>;
}

interface Request {
  params: { key: string };
  body: { key: string; value: unknown };
}
interface Response {
  status(code: number): Response;
  json(body: unknown): void;
}
type Handler = (req: Request, res: Response) => Promise<void> | void;
interface Express {
  (): RequestListener &
    Record<'get' | 'post', (path: string, handler: Handler) => void> &
    Record<'use' | 'disable', (it: unknown) => void>;
  json(): unknown;
}

// Express lives in src/api, and the layer test sees to it; here it is a yardstick and no part of the product.
const YARDSTICK: string = 'express';

servePeer({
  async start({ database_url, max_connections }: WebStart) {
    const pool = new pg.Pool({ connectionString: database_url, max: max_connections });
    await pool.query(
      'CREATE TABLE IF NOT EXISTS entry (id bigserial PRIMARY KEY, key text NOT NULL UNIQUE, value jsonb NOT NULL)',
    );
    const { default: express } = (await import(YARDSTICK)) as { default: Express };
    const app = express();
    app.disable('x-powered-by');
    app.use(express.json());
    app.post('/rows', async ({ body }, res) => {
      const { rows } = await pool.query(INSERT, [body.key, JSON.stringify(body.value)]);
      res.status(201).json(rows[0]);
    });
    app.get('/rows/:key', async ({ params }, res) => {
      const { rows } = await pool.query(SELECT, [params.key]);
      res.status(rows.length === 0 ? 404 : 200).json(rows[0] ?? {});
    });
    app.get('/empty', (_req, res) => res.json({}));
    const nothing = createServer((_req, res) => void res.writeHead(204).end());
    return { url: await listening(createServer(app)), nothing_url: `${await listening(nothing)}/nothing` };
  },
} satisfies WebCalls);

const INSERT = { name: 'insert', text: 'INSERT INTO entry (key, value) VALUES ($1, $2) RETURNING id, key' };
const SELECT = { name: 'select', text: 'SELECT id, key, value FROM entry WHERE key = $1' };

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
