import pino, { type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LogOptions {
  level: string;
  service_name: string;
  /** Where lines go; by default standard output, written in the background. */
  destination?: DestinationStream;
}

const SECRET_NAMES = [
  'authorization',
  'cookie',
  'token',
  'api_token',
  'password',
  'secret',
  'secrets',
  'jwt_secret',
  'database_url',
];
const BUFFER_BYTES = 4_096;

/** The process's logger: one JSON object per line. Names that hold secrets are hidden at the first three levels. */
export function createLogger({ level, service_name, destination }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { service: service_name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '***' },
      serializers: { err: describeError, error: describeError },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: BUFFER_BYTES, periodicFlush: 100 }),
  );
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
