import type { ExportedName, FileFacts } from '../../contract/findings.ts';
import { ownRule } from '../rule-hit.ts';
import type { Tree } from './resolve.ts';
import type { TreeHit } from './tree-hit.ts';

const DEAD_EXPORT = ownRule('static', 'dead-export', 'note', {
  cwe: 'CWE-561',
  help: 'Remove it, or what was meant to use it is missing.',
});
const MISSING_EXPORT = ownRule('static', 'missing-export', 'error', {
  help: 'The module has nothing of this name: it is undefined, or loading fails.',
});
const MISSING_MODULE = ownRule('static', 'unresolved-import', 'error', { help: 'There is no such file.' });

/** Names by which frameworks, test runners and the like call a module of their own accord. */
const CALLED_FROM_OUTSIDE =
  /^(default|config|handler|loader|action|meta|metadata|middleware|getServerSideProps|getStaticProps|getStaticPaths|generate[A-Z]\w*|revalidate|dynamic|runtime|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS|setup|teardown|up|down|activate|deactivate)$/;
const MAX_RE_EXPORTS = 20;
const CODE_FILE = /(^|\/)[\w@-]+(\.[cm]?[jt]sx?)?$/;

/** What is exported and never imported, and what is imported and not there. */
export function findExportMistakes(tree: Tree): TreeHit[] {
  const used = usesOf(tree);
  const files = [...tree.files.values()];
  const has_entries = files.some((file) => file.path.endsWith('package.json') && file.imports.length > 0);
  return files.flatMap((file) => [...deadExports(file, used, has_entries), ...missing(tree, file)]);
}

type Uses = ReadonlyMap<string, ReadonlySet<string>>;

function usesOf(tree: Tree): Uses {
  const uses = new Map<string, Set<string>>();
  for (const file of tree.files.values()) {
    for (const { specifier, names } of file.imports) {
      for (const target of tree.resolve(file.path, specifier)) {
        const found = uses.get(target) ?? new Set();
        uses.set(target, found);
        for (const name of names) found.add(name);
        // `require` of a module whose whole is one function.
        if (tree.files.get(target)?.is_commonjs === true && names.length > 0) found.add('default');
      }
    }
  }
  return uses;
}

function deadExports(file: FileFacts, used: Uses, has_entries: boolean): TreeHit[] {
  const names = used.get(file.path);
  // A module that nobody imports is where something begins, unless the package says where.
  if (file.is_test || (!names && !has_entries) || names?.has('*') === true) return [];
  if (!names && isStart(file)) return [];
  return file.exports
    .filter((one) => isDead(one, names ?? new Set()))
    .map((one) => ({
      path: file.path,
      rule: DEAD_EXPORT,
      message: `Nobody imports ${one.name}.`,
      span: one.span,
      symbol: '',
      snippet: one.name,
    }));
}

function isDead({ name, from, is_used_inside }: ExportedName, names: ReadonlySet<string>): boolean {
  return from === undefined && !is_used_inside && !names.has(name) && !CALLED_FROM_OUTSIDE.test(name);
}

/** Configuration, and what does something when it is loaded. */
function isStart(file: FileFacts): boolean {
  return /(^|\/)(\.?\w+\.config\.|\.\w+rc\.|index\.|main\.|scripts?\/|bin\/|migrations?\/|pages\/|app\/)/.test(
    file.path,
  );
}

function missing(tree: Tree, file: FileFacts): TreeHit[] {
  if (file.path.endsWith('package.json')) return [];
  return file.imports.flatMap((one) => {
    if (!one.specifier.startsWith('.') || one.specifier.endsWith('*')) return [];
    const [target] = tree.resolve(file.path, one.specifier);
    const at = { path: file.path, span: one.span, symbol: '', snippet: one.specifier };
    if (target === undefined)
      return CODE_FILE.test(one.specifier) && !/\.\/?$/.test(one.specifier)
        ? [{ ...at, rule: MISSING_MODULE, message: `There is no ${one.specifier}.` }]
        : [];
    return one.names
      .filter((name) => !offers(tree, target, name))
      .map((name) => ({
        ...at,
        rule: MISSING_EXPORT,
        message: `${one.specifier} has no ${name}.`,
        snippet: `${one.specifier} ${name}`,
      }));
  });
}

/** Whether a module has a name; of what cannot be seen through it is taken that it has. */
function offers(tree: Tree, path: string, name: string, seen: readonly string[] = []): boolean {
  const file = tree.files.get(path);
  if (seen.includes(path)) return false;
  if (!file || seen.length > MAX_RE_EXPORTS || name === '*' || !/script$/.test(file.language)) return true;
  if (file.is_opaque || file.exports.length === 0 || (file.is_commonjs && isWhole(file, name))) return true;
  if (file.exports.some((one) => one.name === name)) return true;
  const through = file.exports.filter((one) => one.name === '*' && one.from !== undefined);
  return through.some(({ from = '' }) => {
    const targets = tree.resolve(path, from);
    return targets.length === 0 || targets.some((target) => offers(tree, target, name, [...seen, path]));
  });
}

/** `import all from './commonjs.cjs'`; and members of the one function or class that a module is. */
function isWhole(file: FileFacts, name: string): boolean {
  return name === 'default' || file.exports.some((one) => one.name === 'default');
}
