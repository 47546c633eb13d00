import { readFile } from 'node:fs/promises';
import { defaultText, ENVIRONMENT_ONLY, SETTINGS } from '../../src/config-settings.ts';

const page = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
const [settings = '', environment = ''] = page.split('## Settings')[1]!.split('## Only in the environment');
const rows = (part: string) => part.split('\n').filter((line) => line.startsWith('| `'));

describe('docs/configuration.md', () => {
  it('has exactly the settings there are, with alias, key, default and meaning', () => {
    const expected = SETTINGS.map((setting) => {
      const aliases = (setting.aliases ?? []).map((alias) => `\`${alias}\``).join(', ');
      return `| \`${setting.env}\` | ${aliases} | \`${setting.key}\` | ${defaultText(setting)} | ${setting.about} |`;
    });
    expect(rows(settings)).toEqual(expected);
  });

  it('has exactly the variables that are read from the environment only', () => {
    expect(rows(environment)).toEqual(
      Object.entries(ENVIRONMENT_ONLY).map(([name, about]) => `| \`${name}\` | ${about} |`),
    );
  });
});

describe('the settings', () => {
  it('have each a variable of its own', () => {
    const names = SETTINGS.flatMap((setting) => [setting.env, ...(setting.aliases ?? [])]);
    expect(names).toEqual([...new Set(names)]);
  });
});
