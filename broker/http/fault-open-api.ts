/** The faults as OpenAPI 3.1 has it, from the table that routes them, so that a client can be made for any language. */
import type { DescribedFault, DescribedParameter } from './described-fault.ts';

/** To be served as JSON. */
export function faultOpenApi(kinds: readonly DescribedFault[], url: string): object {
  const strikes = kinds.map((kind) => [
    `/faults/${kind.name}`,
    {
      post: {
        operationId: kind.name,
        summary: kind.isMomentary === true ? `${kind.summary}; over when it has struck` : kind.summary,
        requestBody: {
          required: kind.parameters.some(({ required }) => required),
          content: { 'application/json': { schema: bodySchema(kind.parameters) } },
        },
        responses: { 200: answer('It has struck', FAULT), 400: REFUSED },
      },
    },
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'Faults of an Odradek broker', version: '1' },
    servers: [{ url }],
    paths: { ...LISTING, ...Object.fromEntries(strikes) },
  };
}

const FAULT = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    fault: { type: 'string' },
    parameters: { type: 'object', description: 'as asked for, and what was decided' },
    struckAtMs: { type: 'integer', description: 'milliseconds since 1970' },
    leftMs: { type: 'integer', description: 'until it ends by itself; 0: it is over' },
    struck: { type: 'integer', description: 'how often so far, where that is counted' },
    asker: { type: 'string' },
  },
  required: ['id', 'fault', 'parameters', 'struckAtMs', 'leftMs'],
};
const REFUSED = answer('It was asked for wrongly, or is impossible: one line that says what is allowed', {
  type: 'object',
  properties: { error: { type: 'string' } },
  required: ['error'],
});
const ONE = { parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }] };

const LISTING = {
  '/faults': {
    get: {
      operationId: 'list',
      summary: 'What is in place',
      responses: { 200: answer('All', listOf('faults')) },
    },
    delete: {
      operationId: 'heal',
      summary: 'Heals all',
      responses: { 200: answer('Healed', listOf('healed')) },
    },
  },
  '/faults/{id}': {
    get: {
      ...ONE,
      operationId: 'look',
      summary: 'One fault',
      responses: { 200: answer('It', FAULT), 404: REFUSED },
    },
    delete: {
      ...ONE,
      operationId: 'healOne',
      summary: 'Heals one',
      responses: { 200: answer('As it was', FAULT), 404: REFUSED },
    },
  },
  '/faults/hold': {
    post: {
      operationId: 'hold',
      summary: 'One line with the name of an asker, whose faults end with this connection',
      responses: {
        200: answer('And then empty lines', {
          type: 'object',
          properties: { asker: { type: 'string' } },
          required: ['asker'],
        }),
      },
    },
  },
};

function answer(description: string, schema: object): object {
  return { description, content: { 'application/json': { schema } } };
}

function listOf(name: string): object {
  return { type: 'object', properties: { [name]: { type: 'array', items: FAULT } }, required: [name] };
}

function bodySchema(parameters: readonly DescribedParameter[]): object {
  return {
    type: 'object',
    properties: Object.fromEntries(parameters.map((parameter) => [parameter.name, schemaOf(parameter)])),
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  };
}

function schemaOf({ type, help, oneOf, min, max }: DescribedParameter): object {
  const types = type.split(' or ');
  return {
    description: help,
    type: types.length === 1 ? types[0] : types,
    ...(oneOf === undefined ? {} : { enum: oneOf }),
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  };
}
