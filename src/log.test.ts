import { createLogger, runLogger } from './log.ts';

function capture() {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'info',
    service_name: 'test',
    destination: { write: (line) => void lines.push(line) },
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> };
}

describe('a log line', () => {
  it('is one JSON object with level, time and service', () => {
    const { logger, last } = capture();
    runLogger(logger, 'r1').info({ request_id: 'q1' }, 'hello');
    expect(last()).toMatchObject({
      level: 'info',
      service: 'test',
      run_id: 'r1',
      request_id: 'q1',
      msg: 'hello',
    });
    expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('hides secrets by name, at several levels, and leaves the object alone', () => {
    const { logger, lines } = capture();
    const config = {
      auth: { api_token: 'hunter2' },
      list: [{ password: 'hunter2' }],
      Authorization: 'hunter2',
      name: 'x',
    };
    logger.info({ config, token: 'hunter2' }, 'started');
    expect(lines.join()).not.toContain('hunter2');
    expect(lines.join()).toContain('"name":"x"');
    expect(config.auth.api_token).toBe('hunter2');
  });

  it('shows an error with its causes, but not the values of a failed statement', () => {
    const { logger, lines, last } = capture();
    const cause = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (name)=(hunter2) exists',
    });
    const error = new Error('Failed query: insert into x\nparams: hunter2,1', { cause });
    logger.error({ err: error }, 'failed');
    expect(lines.join()).not.toContain('hunter2');
    expect(last().err).toMatchObject({
      message: 'Failed query: insert into x',
      cause: { message: 'duplicate key', code: '23505' },
    });
    expect((last().err as { stack: string }).stack).toContain('log.test.ts');
  });

  it('survives an error that causes itself', () => {
    const { logger, last } = capture();
    const error = new Error('loop');
    error.cause = error;
    logger.error({ err: error }, 'failed');
    expect(last().err).toMatchObject({ message: 'loop' });
  });
});
