import { invalidField } from './errors.js';
import { refuseUnknownKeys } from './known-keys.js';

/**
 * Checks what a call was given to say what is wanted: an object with known keys, none of which is there without a value. An
 * undefined one means a mistake (a variable that is not set), and left out it would mean more than was meant: all tenants.
 * @throws AuthpipeError `invalid_request`, naming the field
 */
export const checkedScope = <T extends object>(name: string, scope: T, known: readonly string[]): T => {
  checkedObject(name, scope);
  refuseUnknownKeys(scope, known);
  for (const [key, value] of Object.entries(scope)) {
    if (value === undefined || value === null) {
      throw invalidField(key, `is ${value}: give a value, or leave the key out to mean all`);
    }
  }
  return scope;
};

/** Checks how a call is to be made. Options may be undefined, and a misspelt one is refused. @throws AuthpipeError */
export const checkedOptions = <T extends object>(options: T | undefined, known: readonly string[]): T => {
  if (options === undefined) return {} as T;
  checkedObject('options', options);
  refuseUnknownKeys(options, known);
  checkSignal((options as { signal?: unknown }).signal);
  return options;
};

/** Checks the one option of most calls. @throws AuthpipeError `invalid_request` */
export const checkedSignal = (options: { readonly signal?: AbortSignal | undefined } | undefined) =>
  checkedOptions(options, ['signal']);

/** Checks a body that the server reads: only that it is one, so that an older client may send newer fields. */
export const checkedObject = <T>(name: string, value: T, example = '{ … }'): T => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw invalidField(name, `must be an object, such as ${example}; ${given(value)}`);
};

/** Checks an id that is part of an address. @throws AuthpipeError `invalid_request`, naming the argument */
export const checkedId = (name: string, id: string): string => {
  if (typeof id === 'string' && id !== '' && id !== '.' && id !== '..') return id;
  throw invalidField(name, `must be a non-empty string other than "." and ".."; ${given(id)}`);
};

/** What was given, in words that tell no secret. */
export const given = (value: unknown): string => {
  if (value === undefined) return 'it is missing or undefined';
  if (value === null) return 'null was given';
  if (value === '') return 'an empty one was given';
  return Array.isArray(value) ? 'an array was given' : `a ${typeof value} was given`;
};

/** By what it can do: an AbortSignal of another realm, or of a polyfill, is as good. */
const checkSignal = (signal: unknown): void => {
  if (signal === undefined) return;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return;
  throw invalidField(
    'signal',
    `must be an AbortSignal: controller.signal, or AbortSignal.timeout(10_000); ${given(signal)}`,
  );
};
