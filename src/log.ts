import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LogOptions {
  level: string;
  service_name: string;
  /** The file lines go to; standard output without it. Either is written in the background. */
  log_file?: string;
  /** Takes the lines instead, for tests. */
  destination?: DestinationStream;
}

const SECRET_NAMES = new Set([
  'authorization',
  'cookie',
  'token',
  'api_token',
  'password',
  'secret',
  'secrets',
  'jwt_secret',
  'database_url',
]);
const HIDDEN = '***';
const SEARCHED_LEVELS = 4;
const BUFFER_BYTES = 4_096;

/** The process's logger: one JSON object per line, with fields that hold secrets hidden. */
export function createLogger({ level, service_name, log_file, destination }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service: service_name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: (line) => hideSecrets(line, SEARCHED_LEVELS) },
      serializers: { err: describeError, error: describeError },
    },
    destination ??
      pino.destination({
        dest: log_file ?? 1,
        mkdir: log_file !== undefined,
        sync: false,
        minLength: BUFFER_BYTES,
        periodicFlush: 100,
      }),
  );
}

/** Copies only what it has to change; pino's own redaction costs three times a whole line. */
function hideSecrets(line: Record<string, unknown>, levels: number): Record<string, unknown> {
  let copy = line;
  for (const name in line) {
    const value = line[name];
    const shown = SECRET_NAMES.has(name.toLowerCase()) ? HIDDEN : inner(value, levels);
    if (shown !== value) copy = { ...copy, [name]: shown };
  }
  return copy;
}

/** Errors have a serializer of their own, and other instances know best how to print themselves. */
function inner(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null || levels === 0) return value;
  const is_plain = Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value);
  if (!is_plain) return value;
  if (Array.isArray(value)) return value.map((item) => inner(item, levels - 1));
  return hideSecrets(value as Record<string, unknown>, levels - 1);
}

/** The logger of one run: every line carries its id. */
export function runLogger(logger: Logger, run_id: string): Logger {
  return logger.child({ run_id });
}

interface ErrorLine {
  type: string;
  message: string;
  code?: string;
  stack?: string;
  cause?: ErrorLine;
}

const MAX_CAUSES = 5;

/** An error without what a driver appends to it: the values of a statement belong to callers, not to logs. */
export function describeError(error: unknown, depth = 0): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: withoutValues(error.message),
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack && withoutValues(error.stack),
    cause:
      error.cause === undefined || depth >= MAX_CAUSES ? undefined : describeError(error.cause, depth + 1),
  };
}

/** drizzle: `Failed query: …\nparams: …`, followed in a stack by the lines that start with "at". */
function withoutValues(text: string): string {
  return text.replace(/\nparams:[\s\S]*?(?=\n\s+at |$)/, '');
}
