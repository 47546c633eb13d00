import { z } from 'zod';
import type { AppError } from '../../contract/errors.ts';
import { validator } from './validate.ts';

/** The problems of a value, as an answer has them. */
function problems(schema: z.ZodType, value: unknown): string[] {
  try {
    validator(z.object({ it: schema }), '')({ it: value });
  } catch (error) {
    return (error as AppError).data.errors!.map(({ path, message }) => `${path} ${message}`);
  }
  return [];
}

it.each<[string, z.ZodType, unknown, string]>([
  ['an empty text', z.string().min(1), '', 'must not be empty'],
  ['a text of blanks', z.string().trim().min(1), '  ', 'must not be empty'],
  ['a short text', z.string().min(3), 'ab', 'must have at least 3 characters'],
  ['a long text', z.string().max(1), 'ab', 'must have at most 1 character'],
  ['a text of another length', z.string().length(2), 'abc', 'must have exactly 2 characters'],
  ['an empty list', z.array(z.string()).min(1), [], 'must not be empty'],
  ['a short list', z.array(z.string()).min(2), ['a'], 'must have at least 2 items'],
  ['a list of another length', z.array(z.string()).length(1), [], 'must have exactly 1 item'],
  ['a long list', z.array(z.string()).max(1), ['a', 'b'], 'must have at most 1 item'],
  ['a small number', z.number().min(2), 1, 'must be at least 2'],
  ['a number on the border below', z.number().gt(2), 2, 'must be over 2'],
  ['a large number', z.int().max(5), 6, 'must be at most 5'],
  ['a number on the border above', z.number().lt(5), 5, 'must be below 5'],
  ['a part of a number', z.int(), 1.5, 'must be a whole number'],
  ['a number instead of a text', z.string(), 1, 'must be text'],
  ['a text instead of a number', z.number(), 'a', 'must be a number'],
  ['a text instead of a switch', z.boolean(), 'yes', 'must be true or false'],
  ['an object instead of a list', z.array(z.string()), {}, 'must be a list'],
  ['null instead of an object', z.object({}), null, 'must be an object'],
  ['nothing', z.string(), undefined, 'is required'],
  ['nothing instead of a choice', z.enum(['a', 'b']), undefined, 'is required'],
  ['another choice', z.enum(['a', 'b']), 'c', 'must be one of "a", "b"'],
  ['another constant', z.literal('a'), 'b', 'must be "a"'],
  ['what the schema has words for', z.string().min(12, 'is too easy'), 'a', 'is too easy'],
])('%s is told in plain words', (_what, schema, value, message) => {
  expect(problems(schema, value)).toEqual([`/it ${message}`]);
});

it('the nearest of the alternatives is told in plain words, too', () => {
  expect(problems(z.union([z.object({ a: z.string(), b: z.string() }), z.number()]), 'x')).toEqual([
    '/it must be an object',
  ]);
});
