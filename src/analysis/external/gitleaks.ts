import { SECRET } from '../secrets/find-secrets.ts';
import { extensionOf } from '../source-language.ts';
import { fieldsOf, idOf, jsonOf, listOf, nameOf, placeOf } from './answer.ts';
import { toolRule, type ExternalTool, type ToolHit } from './tool.ts';

/** Some of its rules are for such files only; every other file is plain text to it, whatever it is called. */
const ENDINGS = new Set(['yaml', 'yml', 'tf', 'hcl', 'php']);

/** Their hashes look like secrets. */
const LOCK_FILE =
  /(^|\/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|poetry\.lock|go\.sum|Cargo\.lock|composer\.lock)$/;

/** Secrets: https://github.com/gitleaks/gitleaks. It is told to write JSON, and not to write the secrets. */
export const GITLEAKS: ExternalTool = {
  area: 'security',
  version: '1',
  endingFor(path) {
    if (LOCK_FILE.test(path)) return undefined;
    const ending = extensionOf(path);
    return ENDINGS.has(ending) ? ending : 'txt';
  },
  read(output) {
    return { hits: listOf(jsonOf(output)).map(fieldsOf).map(hitOf), unread: [] };
  },
};

function hitOf(leak: Readonly<Record<string, unknown>>): ToolHit {
  const id = idOf(leak.RuleID, /^[a-z0-9][a-z0-9_-]*$/);
  const { kind, area, severity, help, cwe } = SECRET;
  const line = placeOf(leak.StartLine);
  return {
    file: nameOf(leak.File),
    rule: toolRule('gitleaks', id, { kind, area, severity, help, cwe }),
    message: `This looks like a secret (${id}).`,
    line,
    end_line: Math.max(line, placeOf(leak.EndLine)),
  };
}
