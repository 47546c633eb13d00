import { parseIfMatch } from './if-match.ts';

describe('If-Match', () => {
  it.each([
    [undefined, undefined],
    ['*', undefined],
    ['"3"', 3],
    ['3', 3],
    [' "12" ', 12],
    ['"0"', 0],
  ])('%s means %s', (header, version) => {
    expect(parseIfMatch(header)).toBe(version);
  });

  it.each(['W/"3"', '"abc"', '""', '"-1"', '"1.5"', '"9999999999999999"'])('%s can never match', (header) => {
    expect(() => parseIfMatch(header)).toThrow(expect.objectContaining({ code: 'stale_if_match' }) as Error);
  });

  it.each(['', 'abc', '-1', '"3', '"3", "4"', 'W/3', "'3'"])('%s cannot be read', (header) => {
    expect(() => parseIfMatch(header)).toThrow(
      expect.objectContaining({ code: 'malformed_request' }) as Error,
    );
  });
});
