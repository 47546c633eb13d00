import type { SourceFile } from '../../contract/findings.ts';
import { npmPackages } from './advisories-npm-lock.ts';

/** One version of a package that a lock file holds; the ecosystem as the OSV schema names it. */
export interface LockedPackage {
  ecosystem: 'npm' | 'PyPI' | 'Go';
  name: string;
  version: string;
  /** Where the lock file says so, from 1. */
  line: number;
}

type Pin = Omit<LockedPackage, 'ecosystem'>;

interface LockFormat {
  file: RegExp;
  ecosystem: LockedPackage['ecosystem'];
  read: (text: string) => Pin[];
}

const FORMATS: readonly LockFormat[] = [
  { file: /^(package-lock|npm-shrinkwrap)\.json$/, ecosystem: 'npm', read: npmPackages },
  { file: /^yarn\.lock$/, ecosystem: 'npm', read: yarnPackages },
  { file: /^pnpm-lock\.yaml$/, ecosystem: 'npm', read: pnpmPackages },
  { file: /^requirements[\w.-]*\.txt$/, ecosystem: 'PyPI', read: requirements },
  { file: /^(poetry|uv|pdm)\.lock$/, ecosystem: 'PyPI', read: tomlPackages },
  { file: /^go\.sum$/, ecosystem: 'Go', read: goModules },
];

/** Whether versions of packages can be read of a file with this path. */
export const isLockFile = (path: string): boolean => formatOf(path) !== undefined;

/** The packages of a lock file, each version once; empty for any other file and for one that cannot be read. */
export function lockedPackages({ path, text }: Pick<SourceFile, 'path' | 'text'>): LockedPackage[] {
  const format = formatOf(path);
  if (!format) return [];
  const { ecosystem, read } = format;
  // The first place counts.
  const once = new Map(
    read(text)
      .reverse()
      .map((pin) => [`${pin.name}@${pin.version}`, pin]),
  );
  return [...once.values()].reverse().map((pin) => ({ ecosystem, ...pin }));
}

function formatOf(path: string): LockFormat | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return FORMATS.find(({ file }) => file.test(name));
}

/** What a line says, for each line that the pattern matches; `name` and `version` are its first two groups. */
function pinsOf(text: string, pattern: RegExp): Pin[] {
  return text.split('\n').flatMap((line, i) => {
    const [, name, version] = pattern.exec(line) ?? [];
    return name === undefined || version === undefined ? [] : [{ name, version, line: i + 1 }];
  });
}

/** `name@range`, or `alias@npm:name@range`; what is part of the workspace is nobody's package. */
const YARN_ENTRY =
  /^"?((?:@[^\s"@/]{1,200}\/)?[^\s"@/#]{1,200})@(?:npm:((?:@[^\s"@/]{1,200}\/)?[^\s"@/]{1,200})@)?((?:workspace|link|file|portal):)?/;

/** Yarn of any version: a line of what was asked for, and the version that it led to below. */
function yarnPackages(text: string): Pin[] {
  const pins: Pin[] = [];
  let asked: { name: string; line: number } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\S/.test(line)) {
      const [, name, real, own] = YARN_ENTRY.exec(line) ?? [];
      asked = name === undefined || own !== undefined ? undefined : { name: real ?? name, line: i + 1 };
    }
    const [, version] = /^ {2}version:? "?(\d[\w.+-]{0,99})/.exec(line) ?? [];
    if (version === undefined || !asked) continue;
    pins.push({ ...asked, version });
    asked = undefined;
  }
  return pins;
}

/** The keys of `packages`: `name@1.0.0`, before version 9 `/name@1.0.0(peer@2)`, before 6 `/name/1.0.0_peer`. */
function pnpmPackages(text: string): Pin[] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.trimEnd() === 'packages:');
  if (from < 0) return [];
  const length = lines.slice(from + 1).findIndex((line) => /^[^\s#]/.test(line));
  const section = lines.map((line, i) => (i > from && (length < 0 || i <= from + length) ? line : ''));
  return pinsOf(
    section.join('\n'),
    /^ {2}['"]?\/?((?:@[^/@\s]{1,200}\/)?[^/@\s]{1,200})[@/](\d[0-9A-Za-z.+-]{0,99})/,
  );
}

function requirements(text: string): Pin[] {
  const pins = pinsOf(
    text,
    /^\s{0,10}([A-Za-z0-9][\w.-]{0,100})\s{0,5}(?:\[[^\]]{0,100}\])?\s{0,5}==\s{0,5}([\w.!+*-]{1,60})/,
  );
  return pins.filter(({ version }) => !version.includes('*')).map(pythonName);
}

/** Of Poetry and those that write the same. */
function tomlPackages(text: string): Pin[] {
  const pins: Pin[] = [];
  let named: { name: string; line: number } | undefined;
  let is_package = false;
  for (const [i, line] of text.split('\n').entries()) {
    if (line.startsWith('[')) is_package = line.trimEnd() === '[[package]]';
    const [, key, value] = (is_package && /^(name|version) = "([^"]{1,200})"/.exec(line)) || [];
    if (key === 'name') named = { name: value!, line: i + 1 };
    if (key !== 'version' || !named) continue;
    pins.push(pythonName({ ...named, version: value! }));
    named = undefined;
  }
  return pins;
}

/** One name in any spelling (PEP 503). */
const pythonName = (pin: Pin): Pin => ({ ...pin, name: pin.name.toLowerCase().replace(/[-_.]+/g, '-') });

/** Of each module the last one, for they are in order and Go takes the highest; `/go.mod` lines were only looked at. */
function goModules(text: string): Pin[] {
  const pins = pinsOf(text, /^([^\s/][^\s]{0,300}) v(\d[\w.+-]{0,99}) h1:/);
  return [...new Map(pins.map((pin) => [pin.name, pin])).values()];
}
