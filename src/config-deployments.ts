import { field, flag, list, section, word } from './config-fields.ts';

/** Where applications are deployed, and what their environments may do. */
export const deployments = section({
  run_commands: field(
    flag.optional(),
    'Whether environments may run programs on the worker’s machine; only outside production when it is not said.',
    { default_text: 'outside production' },
  ),
  directory: field(word.optional(), 'Where releases are kept on the worker’s machine.', {
    default_text: '`<data_dir>/deployments`',
  }),
  allow_hosts: field(
    list.default([]),
    'Hosts and CIDR ranges that checks and deployers may call although they are private.',
  ),
});

/** Runs programs where nobody said so only if it is not the real thing. */
export const runsCommands = ({
  deployments: { run_commands },
  telemetry: { environment },
}: {
  deployments: { run_commands?: boolean };
  telemetry: { environment: string };
}): boolean => run_commands ?? environment !== 'production';
