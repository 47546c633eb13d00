import { inspect } from 'node:util';
import { anthropicModel } from '../../src/clients/llm/anthropic.ts';
import type { LanguageModel, ModelOptions, ModelRequest } from '../../src/clients/llm/language-model.ts';
import { openAiModel } from '../../src/clients/llm/openai.ts';
import type { JsonObject } from '../../src/contract/json.ts';
import { modelServer, transcriptOf, type ModelServer } from './model-server.ts';

const PROTOCOLS = [
  { name: 'openai', create: openAiModel, model: 'gpt-test' },
  { name: 'anthropic', create: anthropicModel, model: 'claude-test' },
] as const;

const KEY = 'test-key';
const schema: JsonObject = {
  type: 'object',
  properties: { value: { type: 'integer' } },
  required: ['value'],
};
const request: ModelRequest = {
  system: 'Answer in JSON.',
  messages: [{ role: 'user', content: 'What is six times seven?' }],
  schema,
  max_tokens: 200,
  signal: new AbortController().signal,
};

let server: ModelServer;
beforeEach(async () => {
  server = await modelServer();
});
afterEach(() => server.close());

async function errorOf(work: Promise<unknown>): Promise<{ code: string; data: object }> {
  return work.then(
    () => Promise.reject(new Error('it went well')),
    (error: unknown) => error as { code: string; data: object },
  );
}

describe.each(PROTOCOLS)('$name', ({ name, create, model: model_name }) => {
  const { request: expected, answers } = transcriptOf(name);
  const model = (options: Partial<ModelOptions> = {}): LanguageModel =>
    create({ base_url: server.url, model: model_name, key: KEY, ...options });

  test('asks in the words of the protocol, and reads the answer', async () => {
    server.answer(answers.ok);
    expect(await model().complete(request)).toEqual({ value: 42 });
    expect(server.requests).toHaveLength(1);
    const [sent] = server.requests;
    expect(sent).toMatchObject({ method: expected.method, path: expected.path, headers: expected.headers });
    expect(sent!.body).toEqual(expected.body);
  });

  test('finds the same path when the base address ends in the version', async () => {
    server.answer(answers.ok);
    await model({ base_url: `${server.url}/v1/` }).complete(request);
    expect(server.requests[0]!.path).toBe(expected.path);
  });

  test.each([
    ['wrong_key', 'forbidden', {}],
    ['rate_limited', 'rate_limited', { retry_after_seconds: 7 }],
    ['server_error', 'overloaded', {}],
    ['bad_request', 'validation_failed', {}],
    ['refused', 'validation_failed', { detail: 'The language model declined to answer.' }],
    ['cut_off', 'validation_failed', { detail: 'The answer of the language model is longer than allowed.' }],
  ] as const)('an answer that is %s is %s, once, and tells no key', async (answer, code, data) => {
    server.answer(answers[answer]);
    const error = await errorOf(model().complete(request));
    expect(error).toMatchObject({ code, data });
    expect(inspect(error, { depth: 10 })).not.toContain(KEY);
    expect(server.requests).toHaveLength(1);
  });

  test.each<[string, Parameters<ModelServer['answer']>[0]]>([
    ['no JSON', { status: 200, body: Buffer.from('<html>') }],
    ['no UTF-8', { status: 200, body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }],
    ['JSON of another kind', { status: 200, body: { hello: 'world' } }],
    ['nothing', { status: 200, body: Buffer.alloc(0) }],
    ['a redirect', { status: 302, headers: { location: '/elsewhere' }, body: {} }],
  ])('an answer that is %s can be asked for again', async (_name, answer) => {
    server.answer(answer);
    const error = await errorOf(model().complete(request));
    expect(error).toMatchObject({ code: 'overloaded' });
    expect(inspect(error, { depth: 10 })).not.toContain(KEY);
    expect(server.requests).toHaveLength(1);
  });

  test('an answer above the limit is not read', async () => {
    server.answer(answers.ok);
    const error = await errorOf(model({ max_response_bytes: 100 }).complete(request));
    expect(error).toMatchObject({ code: 'overloaded' });
    expect(await model({ max_response_bytes: 10_000 }).complete(request)).toEqual({ value: 42 });
  });

  test('an answer that never comes is given up', async () => {
    server.answer({ status: 200, body: null, never: true });
    expect(await errorOf(model({ timeout_ms: 100 }).complete(request))).toMatchObject({
      data: { detail: 'The language model did not answer in time.' },
    });
  });

  test('a caller that goes away gets its own reason', async () => {
    server.answer({ status: 200, body: null, never: true });
    const controller = new AbortController();
    const running = model().complete({ ...request, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test('a server that is away is a model that is away', async () => {
    const gone = await modelServer();
    await gone.close();
    expect(await errorOf(model({ base_url: gone.url }).complete(request))).toMatchObject({
      code: 'overloaded',
    });
  });

  test.each(['se cret', 'secret\n', ''])('a key like %j is refused without telling it', (key) => {
    const make = () => model({ key });
    expect(make).toThrow('The language model is not set up rightly.');
    try {
      make();
    } catch (error) {
      if (key !== '') expect(inspect(error, { depth: 10 })).not.toContain(key);
    }
  });

  test.each(['ftp://x', 'nonsense'])('an address like %s is refused', (base_url) => {
    expect(() => model({ base_url })).toThrow('The language model is not set up rightly.');
  });
});

test('a moment to come again may be a date', async () => {
  const { answers } = transcriptOf('openai');
  const later = new Date(Date.now() + 1_000_000).toUTCString();
  server.answer({ ...answers.rate_limited, headers: { 'retry-after': later } });
  const error = await errorOf(openAiModel({ base_url: server.url, model: 'm', key: KEY }).complete(request));
  const { retry_after_seconds = 0 } = error.data as { retry_after_seconds?: number };
  expect(retry_after_seconds).toBeGreaterThan(900);
  expect(retry_after_seconds).toBeLessThanOrEqual(1_000);
});
