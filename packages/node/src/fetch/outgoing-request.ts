import { given } from '../call-arguments.js';
import { invalidField } from '../errors.js';
import { nodeTypes } from '../node-modules.js';

/** What `fetch` takes first. */
export type FetchInput = string | URL | Request;

/** A call as it was given, taken apart. */
export interface OutgoingRequest {
  /** A URL or a path, as written. */
  readonly target: string;
  readonly method: string;
  /** The caller's, without those that only the credential may set. */
  readonly headers: Headers;
  readonly body: RequestInit['body'];
  readonly redirect: NonNullable<RequestInit['redirect']>;
  readonly signal: AbortSignal | undefined;
  /** What is handed on to `fetch` as it is. */
  readonly rest: RequestInit;
}

/**
 * Headers that are never the caller's: an SDK puts a placeholder into `authorization`, and `host` would make another
 * tenant of the same front end out of the allowed origin.
 */
const CREDENTIAL_ONLY = ['authorization', 'dpop', 'host'];

/** Takes a call apart by the rules of `fetch`: what `init` has wins over the `Request`. */
export const outgoingRequest = (input: FetchInput, init: RequestInit): OutgoingRequest => {
  const request = isRequest(input) ? input : undefined;
  const { method, headers, body, redirect, signal, ...rest } = init;
  const own = new Headers(headers ?? request?.headers);
  for (const name of CREDENTIAL_ONLY) own.delete(name);
  return {
    target: targetOf(input),
    method: normalMethod(method ?? request?.method ?? 'GET'),
    headers: own,
    body: body ?? request?.body,
    redirect: redirect ?? request?.redirect ?? 'follow',
    signal: (signal === undefined ? request?.signal : signal) ?? undefined,
    rest: request?.integrity ? { integrity: request.integrity, ...rest } : rest,
  };
};

/** Whether a body can be sent a second time: not one that is read as it goes, such as a stream. */
export const isReplayable = (body: OutgoingRequest['body']): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  ArrayBuffer.isView(body) ||
  nodeTypes().isAnyArrayBuffer(body) ||
  body instanceof URLSearchParams ||
  body instanceof FormData ||
  body instanceof Blob;

const isRequest = (input: unknown): input is Request =>
  typeof input === 'object' && input !== null && 'url' in input && 'headers' in input;

const targetOf = (input: unknown): string => {
  if (typeof input === 'string') return input;
  if (isRequest(input)) return input.url;
  if (typeof input === 'object' && input !== null && 'href' in input) return String(input.href);
  throw invalidField('input', `must be a path such as /users, a URL or a Request; ${given(input)}`);
};

/** `fetch` leaves `patch` as it is written, which servers refuse. */
const normalMethod = (method: string): string => method.toUpperCase();
