import path from 'node:path';
import { parseModule, PRODUCT_ROOTS, readProduct } from './modules.ts';
import { CLEAN, PLANTS, type Tree } from './plants.ts';
import { RULE_NAMES, RULES, type RuleName } from './rules.ts';

const root = path.resolve(import.meta.dirname, '../..');
const product = readProduct(root);

describe('the sources', () => {
  test('are really read: a rule that scans nothing must fail', () => {
    expect(product.length).toBeGreaterThan(40);
    for (const folder of PRODUCT_ROOTS) expect(product.map((m) => m.path.split('/')[0])).toContain(folder);
    expect(product.flatMap((m) => m.imports).length).toBeGreaterThan(product.length);
  });

  test.each(RULE_NAMES)('%s', (name) => {
    expect(RULES[name](product)).toEqual([]);
  });
});

describe('the rules', () => {
  test('accept a tree that keeps them all', () => {
    for (const name of RULE_NAMES)
      expect({ name, found: RULES[name](parse(CLEAN)) }).toEqual({ name, found: [] });
  });

  const plants = RULE_NAMES.flatMap((name) => PLANTS[name].map((tree, i) => [name, i + 1, tree] as const));

  test.each(plants)('a planted violation is found: %s (%i)', (name, _number, tree) => {
    expect(PLANTS[name].length).toBeGreaterThan(0);
    expect(broken({ ...CLEAN, ...tree })).toEqual([name]);
  });

  test('sizes are cut exactly at the limit', () => {
    const statement = 'void 0;\n';
    const fits = {
      'src/domain/x.ts': `export function x() {\n${statement.repeat(48)}}\n${statement.repeat(200)}`,
    };
    expect(parse(fits)[0]).toMatchObject({ lines: 250, functions: [{ name: 'x', line: 1, lines: 50 }] });
    expect(broken({ ...CLEAN, ...fits })).toEqual([]);
  });
});

/** The rules that a tree breaks. */
function broken(tree: Tree): RuleName[] {
  const modules = parse(tree);
  return RULE_NAMES.filter((name) => RULES[name](modules).length > 0);
}

function parse(tree: Tree) {
  return Object.entries(tree).map(([file, text]) => parseModule(file, text));
}
