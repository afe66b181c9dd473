/** The commands as OpenAPI 3.1 has it, so that a client can be made for any language. */
import { COMMANDS, type Parameter } from './commands.ts';

/** To be served as JSON. */
export function openApi(url: string): object {
  const paths = [...COMMANDS.values()].map(({ name, summary, parameters }) => [
    `/${name}`,
    {
      post: {
        operationId: name,
        summary,
        requestBody: {
          required: parameters.some(({ required }) => required),
          content: { 'application/json': { schema: schemaOf(parameters) } },
        },
        responses: {
          200: { description: 'What it came to', content: { 'application/json': { schema: {} } } },
          400: { description: 'It was asked for wrongly, or did not come about', ...ERROR },
        },
      },
    },
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'Odradek test cluster', version: '1' },
    servers: [{ url }],
    paths: Object.fromEntries(paths),
  };
}

const ERROR = {
  content: {
    'application/json': {
      schema: { type: 'object', properties: { error: { type: 'string' } }, required: ['error'] },
    },
  },
};

function schemaOf(parameters: readonly Parameter[]): object {
  const properties = parameters.map(({ name, type, help }) => [
    name,
    { description: help, ...(type === 'any' ? {} : { type }) },
  ]);
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}
