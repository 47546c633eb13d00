import { readFile } from 'node:fs/promises';
import { STATUS_OF_FAMILY } from '../../src/api/error-handler.ts';
import { ERROR_CATALOGUE, TEMPORAL_RETRYABLE } from '../../src/contract/errors.ts';

describe('docs/errors.md', () => {
  it('has exactly the codes there are, with status, family, retry and meaning', async () => {
    const page = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    const expected = Object.entries(ERROR_CATALOGUE).map(([code, { family, title }]) => {
      const retried = TEMPORAL_RETRYABLE[family] ? 'yes' : 'no';
      return `| \`${code}\` | ${STATUS_OF_FAMILY[family]} | ${family} | ${retried} | ${title} |`;
    });
    expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(expected);
  });
});
