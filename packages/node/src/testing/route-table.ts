import { AuthpipeError, invalidRequest } from '../errors.js';

/** A request of the client, taken apart. */
export interface MemoryRequest {
  readonly method: string;
  /** Parts of the path below `/v1`, decoded. */
  readonly segments: readonly string[];
  readonly query: Readonly<Record<string, string>>;
  /** The JSON that was sent. */
  readonly body: unknown;
}

/** Answers a request; `params` are the path's `:…` in their order. `undefined` is an empty answer. */
export type Handler = (request: MemoryRequest, ...params: string[]) => unknown;

/** One call of the server's API: `GET /connections/:id`, say, with what answers it. */
export type Route = readonly [call: string, handler: Handler];

/** What a schema of `@authpipe/types` can do. */
interface Schema<T> {
  safeParse(value: unknown):
    | { readonly success: true; readonly data: T }
    | {
        readonly success: false;
        readonly error: {
          readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
        };
      };
}

/** Finds the route of a request and has it answered. @throws AuthpipeError `not_found`, or what the handler throws */
export const answerBy = (routes: readonly Route[], request: MemoryRequest): unknown => {
  for (const [call, handler] of routes) {
    const params = paramsOf(call, request);
    if (params !== undefined) return handler(request, ...params);
  }
  throw new AuthpipeError(
    'not_found',
    `The in-memory Authpipe does not answer ${request.method} /v1/${request.segments.join('/')}.`,
  );
};

const paramsOf = (call: string, { method, segments }: MemoryRequest): string[] | undefined => {
  const [wantedMethod, path = ''] = call.split(' ');
  const wanted = path.split('/').slice(1);
  if (method !== wantedMethod || wanted.length !== segments.length) return undefined;
  const fits = wanted.every((part, index) => part.startsWith(':') || part === segments[index]);
  return fits ? segments.filter((_, index) => wanted[index]?.startsWith(':')) : undefined;
};

/** Reads what was sent by its schema. @throws AuthpipeError `invalid_request`, naming the fields */
export const read = <T>(schema: Schema<T>, value: unknown): T => {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    detail: message,
  }));
  const [first] = errors;
  if (first === undefined) throw invalidRequest('The request is not valid.');
  throw new AuthpipeError('invalid_request', `${first.pointer} ${first.detail}`.trim(), { errors });
};
