/** How a program of others is asked. It is started in the directory with the files. */
export interface AnalyserCommand {
  version: readonly string[];
  analyse: readonly string[];
}

/** The file with rules of ours, from the directory with the files. */
const RULES_FILE = '../rules.yaml';

/** Every exit status but 0 is a failure: findings are none. Nothing that a file says switches anything off. */
export const ANALYSER_COMMANDS = {
  ruff: {
    version: ['--version'],
    analyse: [
      ...[
        'check',
        '--isolated',
        '--ignore-noqa',
        '--no-respect-gitignore',
        '--no-cache',
        '--exit-zero',
        '--quiet',
      ],
      ...['--output-format', 'json', '--target-version', 'py313', '--select', 'E71,E72,E9,F,B,PLE', '.'],
    ],
  },
  lizard: { version: ['--version'], analyse: ['--csv', '.'] },
  bandit: {
    version: ['--version'],
    analyse: ['-r', '.', '-f', 'json', '-q', '--ignore-nosec', '--exit-zero'],
  },
  semgrep: {
    version: ['--version'],
    analyse: [
      ...['scan', '--config', RULES_FILE, '--json', '--quiet', '--metrics=off', '--disable-version-check'],
      ...['--disable-nosem', '--no-git-ignore', '--no-rewrite-rule-ids', '--max-target-bytes', '0'],
      ...['--timeout', '5', '--timeout-threshold', '3', '--jobs', '1', '.'],
    ],
  },
  gitleaks: {
    version: ['version'],
    analyse: [
      ...['dir', '.', '--no-banner', '--redact', '--report-format', 'json', '--report-path', '-'],
      ...['--exit-code', '0', '--ignore-gitleaks-allow', '--log-level', 'error'],
    ],
  },
} as const satisfies Record<string, AnalyserCommand>;

export type AnalyserName = keyof typeof ANALYSER_COMMANDS;
export const ANALYSER_NAMES = Object.keys(ANALYSER_COMMANDS) as AnalyserName[];
