/**
 * The part of SARIF 2.1.0 that our logs use, written by hand after the standard: what it requires, the forms of values, and no property
 * that it does not know.
 */
const text = {
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string' } },
  additionalProperties: false,
};
const line = { type: 'integer', minimum: 1 };

const region = {
  type: 'object',
  properties: { startLine: line, startColumn: line, endLine: line, endColumn: line },
  additionalProperties: false,
};

const location = {
  type: 'object',
  required: ['physicalLocation'],
  properties: {
    physicalLocation: {
      type: 'object',
      required: ['artifactLocation'],
      properties: {
        artifactLocation: {
          type: 'object',
          properties: {
            uri: { type: 'string', pattern: "^[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$" },
            uriBaseId: { type: 'string' },
          },
          additionalProperties: false,
        },
        region,
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

const level = { enum: ['none', 'note', 'warning', 'error'] };

const rule = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string' },
    name: { type: 'string' },
    shortDescription: text,
    help: text,
    defaultConfiguration: { type: 'object', properties: { level }, additionalProperties: false },
    properties: {
      type: 'object',
      properties: { tags: { type: 'array', uniqueItems: true, items: { type: 'string' } } },
    },
  },
  additionalProperties: false,
};

const result = {
  type: 'object',
  required: ['message'],
  properties: {
    ruleId: { type: 'string' },
    ruleIndex: { type: 'integer', minimum: -1 },
    level,
    message: text,
    locations: { type: 'array', items: location },
    partialFingerprints: { type: 'object', additionalProperties: { type: 'string' } },
    baselineState: { enum: ['new', 'unchanged', 'updated', 'absent'] },
  },
  additionalProperties: false,
};

const driver = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string' },
    version: { type: 'string' },
    rules: { type: 'array', uniqueItems: true, items: rule },
  },
  additionalProperties: false,
};

const run = {
  type: 'object',
  required: ['tool'],
  properties: {
    tool: { type: 'object', required: ['driver'], properties: { driver }, additionalProperties: false },
    automationDetails: {
      type: 'object',
      properties: { id: { type: 'string' } },
      additionalProperties: false,
    },
    columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
    originalUriBaseIds: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { description: text },
        additionalProperties: false,
      },
    },
    versionControlProvenance: {
      type: 'array',
      uniqueItems: true,
      items: {
        type: 'object',
        required: ['repositoryUri'],
        properties: { repositoryUri: { type: 'string' }, revisionId: { type: 'string' } },
        additionalProperties: false,
      },
    },
    results: { type: 'array', items: result },
  },
  additionalProperties: false,
};

export const SARIF_SCHEMA = {
  type: 'object',
  required: ['version', 'runs'],
  properties: {
    $schema: { type: 'string' },
    version: { const: '2.1.0' },
    runs: { type: 'array', items: run },
  },
  additionalProperties: false,
};
