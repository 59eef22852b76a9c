import { problemDocument } from '@authpipe/types';
import { z } from 'zod';
import type { Route } from './route.js';

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') =>
  z.toJSONSchema(schema, { io, target: 'openapi-3.0', unrepresentable: 'any' });

const pathOf = (route: Route): string => `/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;

const parametersOf = (route: Route) => {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  if (!('query' in route) || !(route.query instanceof z.ZodObject)) return inPath;
  const inQuery = Object.entries(route.query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema as z.ZodType).safeParse(undefined).success,
    schema: jsonSchema(schema as z.ZodType, 'input'),
  }));
  return [...inPath, ...inQuery];
};

const securityOf = (route: Route) => {
  if (route.scope === 'public') return { security: [] };
  const scopes = route.scope === 'stream' ? route.scopes : [route.scope];
  const names = scopes.map((scope) => `\`${scope}\``).join(' or ');
  return { description: `Needs an API key with the scope ${names}.` };
};

const operationOf = (route: Route) => ({
  summary: route.summary,
  ...securityOf(route),
  parameters: parametersOf(route),
  ...('body' in route && route.body
    ? {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: jsonSchema(route.body, 'input') } },
        },
      }
    : {}),
  responses: {
    '2XX': {
      description: 'Done.',
      ...(route.answer
        ? {
            content: {
              [route.answerType ?? 'application/json']: { schema: jsonSchema(route.answer, 'output') },
            },
          }
        : {}),
    },
    default: {
      description: 'A problem (RFC 9457).',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
});

/** The API's description, made from the routes themselves. @see OpenAPI 3.0.3 */
export const openApiDocument = (routes: readonly Route[], version: string, serverUrl: string) => {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = pathOf(route);
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return {
    openapi: '3.0.3',
    info: { title: 'Authpipe', version },
    servers: [{ url: serverUrl }],
    security: [{ apiKey: [] }],
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: jsonSchema(problemDocument, 'output') },
    },
    paths,
  };
};
