import { ownRule } from '../rule-hit.ts';
import type { LineRule, ScriptLine } from '../text-rule.ts';

const MAX_CHARS = 5_000;

/** The commands of a shell script, without comments; a backslash at the end joins lines. */
export function shellLines(text: string): ScriptLine[] {
  const rows = text.split('\n');
  const lines: ScriptLine[] = [];
  let symbol = '';
  for (let i = 0; i < rows.length; i++) {
    const first = rows[i] ?? '';
    const from = i;
    let command = first;
    while (command.endsWith('\\') && i + 1 < rows.length && i - from < 40)
      command = `${command.slice(0, -1)}\n${rows[++i] ?? ''}`;
    const [, name] = /^\s*(?:function\s+)?([\w-]+)\s*\(\)/.exec(first) ?? [];
    if (name !== undefined) symbol = name;
    if (/^\s*(#|$)/.test(first)) continue;
    lines.push({
      text: command.slice(0, MAX_CHARS),
      line: from + 1,
      indent: first.length - first.trimStart().length,
      symbol,
    });
    if (/^\}/.test(first)) symbol = '';
  }
  return lines;
}

export const SHELL_SECURITY: readonly LineRule[] = [
  {
    rule: ownRule('security', 'remote-script', 'error', {
      cwe: 'CWE-494',
      help: 'Fetch it, compare its checksum, then run it.',
    }),
    message: 'Whatever the server sends is run.',
    finds: ({ text }) =>
      /\b(curl|wget)\b[^|]{1,400}\|\s*(sudo\s+)?(-\S+\s+)?(ba|z|da)?sh\b/.test(text) ||
      /\b(ba)?sh\s+(-c\s+)?["']?[<$]\(\s*(curl|wget)\b/.test(text),
  },
  {
    rule: ownRule('security', 'code-injection', 'error', {
      cwe: 'CWE-95',
      help: 'Call the program itself, with "$@".',
    }),
    message: 'Text is run as a command.',
    finds: ({ text }) =>
      /(^|[;&|]\s*|\bthen\s+|\bdo\s+)eval\s[^\n]*[$`]/.test(text.trim()) &&
      !/eval\s+"?\$\((ssh-agent|\w+ (init|env|shellenv|completion))/.test(text),
  },
  {
    rule: ownRule('security', 'tls-verification-off', 'error', {
      cwe: 'CWE-295',
      help: 'Trust the right certificate authority (--cacert).',
    }),
    message: 'The certificate of the other side is not checked.',
    finds: ({ text }) =>
      /\bcurl\b[^|]*\s(-[a-zA-Z]*k\b|--insecure\b)|\bwget\b[^|]*--no-check-certificate|StrictHostKeyChecking[= ]no|sslVerify[= ]false|NODE_TLS_REJECT_UNAUTHORIZED=0/.test(
        text,
      ),
  },
  {
    rule: ownRule('security', 'world-writable', 'warning', {
      cwe: 'CWE-732',
      help: 'Let only the owner write.',
    }),
    message: 'Everybody may change this.',
    finds: ({ text }) => /\bchmod\s+(-R\s+)?(0?777|0?666|a\+w|o\+w|a\+rwx)\b/.test(text),
  },
];

export const SHELL_STATIC: readonly LineRule[] = [
  {
    rule: ownRule('static', 'unguarded-delete', 'error', {
      help: 'Quote it, and let the shell stop when it is empty: "${DIR:?}".',
    }),
    message: 'When the variable is empty, or has a blank in it, something else is deleted.',
    finds: ({ text }) =>
      /\brm\s+(?:-\w+\s+)?-\w*[rR]\w*\b[^\n;|&]*\s(\$\w+|\$\{\w+\}|"\$\{?\w+\}?"?\/\*?"?\s)/.test(
        ` ${text} `,
      ) && !/:\?|:-/.test(text),
  },
];
