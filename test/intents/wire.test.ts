import type { MethodDefinition } from '@grpc/grpc-js';
import { healthService, intentService } from '../../src/clients/intents/proto-file.ts';

/** Written down from the proto3 encoding rules before there was code: tag = field number × 8 + 2, length, bytes. */
const ANALYZE =
  '0a026869' + '12027b7d' + '1a11' + '0a09' + '0a0161' + '120162' + '1a0163' + '120174' + '1a016e';
const QUESTIONS = '120e' + '0a0c' + '0a0477686174' + '12013f' + '1a0173';

const json = Buffer.from('{}');
const request = {
  intent: 'hi',
  context_json: json,
  catalogue: {
    workflows: [{ name: 'a', description: 'b', examples: ['c'] }],
    types: ['t'],
    node_types: ['n'],
  },
};
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('the bytes on the wire', () => {
  test.each<[string, string, string]>([
    ['Analyze asks', hex(intentService.Analyze.requestSerialize(request)), ANALYZE],
    ['Analyze answers', hex(intentService.Analyze.responseSerialize({ analysis_json: json })), '0a027b7d'],
    [
      'Plan asks',
      hex(
        intentService.Plan.requestSerialize({
          request: { intent: 'hi', context_json: json, catalogue: null },
          analysis_json: json,
        }),
      ),
      '0a080a02686912027b7d' + '12027b7d',
    ],
    [
      'Plan answers a definition',
      hex(intentService.Plan.responseSerialize({ definition_json: json })),
      '0a027b7d',
    ],
    [
      'Plan answers questions',
      hex(
        intentService.Plan.responseSerialize({
          questions: { questions: [{ about: 'what', question: '?', step: 's' }] },
        }),
      ),
      QUESTIONS,
    ],
    ['a health check asks', hex(healthService.Check.requestSerialize({ service: 'x' })), '0a0178'],
    ['a health check answers', hex(healthService.Check.responseSerialize({ status: 'SERVING' })), '0801'],
  ])('%s as it was written down', (_name, bytes, transcript) => {
    expect(bytes).toBe(transcript);
  });

  test('are read as they were written', () => {
    expect(intentService.Analyze.requestDeserialize(Buffer.from(ANALYZE, 'hex'))).toEqual(request);
    expect(intentService.Plan.responseDeserialize(Buffer.from(QUESTIONS, 'hex'))).toEqual({
      plan: 'questions',
      questions: { questions: [{ about: 'what', question: '?', step: 's' }] },
    });
  });

  test.each<[MethodDefinition<never, never>, string]>([
    [intentService.Analyze as never, '/orchestrator.intent.v1.IntentService/Analyze'],
    [intentService.Plan as never, '/orchestrator.intent.v1.IntentService/Plan'],
    [healthService.Check as never, '/grpc.health.v1.Health/Check'],
  ])('the path of $path stays', ({ path }, expected) => {
    expect(path).toBe(expected);
  });
});
