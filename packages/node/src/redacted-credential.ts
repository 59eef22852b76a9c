import type { Credential } from '@authpipe/types';

/** What stands for a secret where a credential is printed, and how to have it all the same. */
const REDACTED = '[redacted: { ...credential } has it]';

const INSPECT = Symbol.for('nodejs.util.inspect.custom');

const redactedValues = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.keys(values).map((name) => [name, REDACTED]));

/** A credential as it may be printed. */
const redacted = (credential: Credential): Credential => ({
  ...credential,
  credential: REDACTED,
  headers: redactedValues(credential.headers),
  ...(credential.fields === undefined ? {} : { fields: redactedValues(credential.fields) }),
});

// One pair of functions for all credentials: an entry of the cache pays for two pointers.
const MANNERS: PropertyDescriptorMap & ThisType<Credential> = {
  [INSPECT]: {
    value(_depth: number, options: object, inspect: (value: unknown, options: object) => string) {
      return inspect(redacted(this), options);
    },
  },
  toJSON: {
    value() {
      return redacted(this);
    },
  },
};

/**
 * Keeps a credential's secrets out of `console.log` and `JSON.stringify`, which loggers use. Nothing enumerable is added and
 * the prototype stays, so that comparing, spreading and `structuredClone` do as with any object; a spread one is whole.
 */
export const redactWhenPrinted = <T extends Credential>(credential: T): T =>
  Object.defineProperties(credential, MANNERS);
