import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

interface Content {
  schema?: object;
}
export interface Operation {
  parameters?: { in: string; name: string; required?: boolean; schema: Record<string, unknown> }[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<string, { $ref?: string; content?: Record<string, Content> }>;
}
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; responses: Record<string, Operation['responses'][string]> };
}
export interface Answered {
  status: number;
  type: string | null;
  text: string;
}

const IS_JSON = /^application\/(problem\+)?json$/;
const DOCUMENT = 'https://document.invalid/';

/** Says how an answer differs from what the document says of it; undefined: not at all. */
export function conformance(
  document: OpenApi,
): (operation: Operation, answer: Answered) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(absolute({ $id: DOCUMENT, components: document.components }));
  const compiled = new Map<object, ValidateFunction>();
  const validatorOf = (schema: object) => {
    const known = compiled.get(schema) ?? ajv.compile(absolute(schema));
    compiled.set(schema, known);
    return known;
  };
  return (operation, { status, type, text }) => {
    const named = operation.responses[String(status)];
    const response = named?.$ref ? document.components.responses[named.$ref.split('/').at(-1)!] : named;
    if (!response) return `the status ${status} is not documented`;
    if (!response.content) return text === '' || status === 426 ? undefined : 'a body is not documented';
    const media_type = type?.split(';')[0] ?? '';
    const content = response.content[media_type] ?? response.content['*/*'];
    if (!content) return `the media type ${media_type} is not documented`;
    if (!content.schema || !IS_JSON.test(media_type) || text === '') return undefined;
    const validate = validatorOf(content.schema);
    return validate(JSON.parse(text)) ? undefined : shown(validate.errors ?? []);
  };
}

const shown = (errors: ErrorObject[]): string => {
  const all = errors.map(({ instancePath, message = '', params }) => {
    const place = instancePath.replace(/\d+/g, '*');
    return `${place} ${message} ${String((params as { additionalProperty?: string }).additionalProperty ?? '')}`;
  });
  return [...new Set(all)].join('; ');
};

const absolute = (schema: object): object =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/components', `"${DOCUMENT}#/components`)) as object;
