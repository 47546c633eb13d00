import type { SandboxReport } from '../contract/sandbox.ts';
import type { DevFile } from './dev-file.ts';

/** What the embedded stack prints once it serves: where everything is, and the first things to try. */
export function welcome(
  dev: DevFile,
  { data_dir, sandbox }: { data_dir: string; sandbox: SandboxReport | null },
): string {
  const code = sandbox?.available
    ? `${sandbox.isolation}: ${sandbox.languages
        .filter((l) => l.available)
        .map((l) => l.language)
        .join(', ')}`
    : `none. ${sandbox?.reason ?? ''} ${sandbox?.remedy ?? ''}`.trim();
  return `
Orchestrator serves.

  API            ${dev.api_url}/api/v1
  Swagger UI     ${dev.api_url}/swagger/index.html
  Temporal UI    ${dev.temporal_ui_url || '(external)'}
  Metrics        ${dev.metrics_url || 'off'}
  Code sandbox   ${code}
  Data           ${data_dir}   (addresses, token and password: dev.json; logs: logs/)

Try, in another terminal:

  npm run demo

  TOKEN=$(node -p "require('${data_dir}/dev.json').token")
  curl -s ${dev.api_url}/api/v1/workflows -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"tag_name":"hello","workflow":{"schema_version":1,"name":"hello","nodes":{"greet":{"type":"transform","config":{"value":"Hello, \${{ input.name }}!"}}}}}'
  curl -s ${dev.api_url}/api/v1/runs -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{"workflow":"hello","input":{"name":"Ada"}}'

Ctrl-C stops everything in order.`;
}
