import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** Beside the sources, and beside what is compiled of them. */
const FOLDER = ['../../../proto', '../../../../proto']
  .map((folder) => fileURLToPath(new URL(folder, import.meta.url)))
  .find((folder) => existsSync(folder));

/** A service as `proto/<file>` describes it. Throws when the file is not there. */
export function serviceOf(file: string, name: string): ServiceDefinition {
  if (FOLDER === undefined) throw new Error('The folder proto/ is missing beside the code.');
  const loaded = loadSync(`${FOLDER}/${file}`, {
    keepCase: true,
    enums: String,
    longs: String,
    defaults: true,
    oneofs: true,
  });
  const found = loaded[name];
  if (!found || 'format' in found) throw new Error(`proto/${file} has no service ${name}.`);
  return found;
}

export interface WireCatalogue {
  workflows: { name: string; description: string; examples: string[] }[];
  types: string[];
  node_types: string[];
}
export interface WireRequest {
  intent: string;
  context_json: Uint8Array;
  catalogue: WireCatalogue | null;
}
export interface WireAnalysis {
  analysis_json: Uint8Array;
}
export interface WirePlanRequest {
  request: WireRequest | null;
  analysis_json: Uint8Array;
}
export interface WirePlan {
  plan?: 'definition_json' | 'questions';
  definition_json?: Uint8Array;
  questions?: { questions: { about: string; question: string; step: string }[] };
}
export interface WireHealth {
  status: string;
}

export const INTENT_SERVICE = 'orchestrator.intent.v1.IntentService';

/** The methods of the intent service, with the shapes that the loader gives their messages. */
export const intentService = serviceOf('intent.proto', INTENT_SERVICE) as {
  Analyze: MethodDefinition<WireRequest, WireAnalysis>;
  Plan: MethodDefinition<WirePlanRequest, WirePlan>;
};
export const healthService = serviceOf('health.proto', 'grpc.health.v1.Health') as {
  Check: MethodDefinition<{ service: string }, WireHealth>;
};
