import type { BuiltinType } from '../../contract/builtins.ts';
import type { Definition } from '../../contract/definition.ts';
import type { Environment } from '../../contract/deployment.ts';
import type { Json } from '../../contract/json.ts';
import { encodeJson, type EncodedDefinition } from '../blobs-encode.ts';
import type { Resolved } from '../refs.ts';
import { countEdges, countNodes } from '../rules/definition.ts';
import { BUILTIN_DEFINITIONS } from './definitions.ts';
import { deploymentDefinition } from './deployment/definition.ts';
import type { DeploymentInput } from './deployment/input.ts';
import type { VersionKeeper } from './keep-version.ts';

/** Who made the versions nobody saved. */
const ENGINE = 'engine';

interface Deps {
  keepVersion: VersionKeeper;
  environments: { find(project_id: string, name: string): Promise<Environment | undefined> };
}

/**
 * The workflows of the product's own as versions of a project: kept like anyone's, so that a run of one goes on, is forked and is
 * explained after the product has moved on to another.
 */
export function builtinVersions({ keepVersion, environments }: Deps) {
  const encoded = new Map(
    Object.entries(BUILTIN_DEFINITIONS).map(([type, document]) => [type, encode(document)] as const),
  );

  /** Who has to agree is a part of the version: a rule that changes later changes no deployment that is under way. */
  async function deployment(project_id: string, input: Json): Promise<EncodedDefinition> {
    const { kind, environment } = (input ?? {}) as Partial<DeploymentInput>;
    if ((kind !== 'application' && kind !== 'workflow') || typeof environment !== 'string')
      return encoded.get('deployment')!;
    const { approval = null } = (await environments.find(project_id, environment)) ?? {};
    return encode(deploymentDefinition({ kind, approval }));
  }

  return {
    /** The version of this product for such an input, kept in the project when it is not there yet. */
    async resolve(project_id: string, type: BuiltinType, input: Json): Promise<Resolved> {
      const version = type === 'deployment' ? await deployment(project_id, input) : encoded.get(type)!;
      const { cas_id } = version;
      const artifact_id = await keepVersion(project_id, version, ENGINE);
      return { workflow: null, artifact_id, kind: 'dag_version', version_hash: cas_id, cas_id };
    },
  };
}

export type BuiltinVersions = ReturnType<typeof builtinVersions>;

/** Not validated: steps of ours are in no document from outside. */
const encode = (document: Definition): EncodedDefinition => ({
  ...encodeJson(document as unknown as Json),
  document,
  nodes_count: countNodes(document),
  edges_count: countEdges(document),
});
