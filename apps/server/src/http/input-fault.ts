import type { FieldError } from '@authpipe/types';
import type { z } from 'zod';

/** Of a name that the schema does not have, as the end of a sentence that the name begins. */
export const NO_SUCH_FIELD = 'is no field of this request';

const NOUNS: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'a string',
};

const oneOf = (values: readonly unknown[]): string =>
  `must be ${values.length > 1 ? 'one of ' : ''}${values.map((value) => JSON.stringify(value)).join(', ')}`;

/** `at least 1 item`, `at most 80 characters`, `at least 1`. */
const bounded = (bound: 'at least' | 'at most', limit: number | bigint, origin: string): string => {
  const unit = { string: 'character', array: 'item', set: 'item' }[origin];
  const isOne = Number(limit) === 1;
  if (unit === undefined) return `must be ${bound} ${limit}`;
  if (origin === 'string' && bound === 'at least' && isOne) return 'must not be empty';
  return `must have ${bound} ${limit} ${unit}${isOne ? '' : 's'}`;
};

/**
 * What is wrong with a field, as the end of a sentence that its name begins. Never has the value. `undefined`: the schema's
 * own words stand.
 */
export const wordFault: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'too_small':
      return bounded('at least', issue.minimum, issue.origin);
    case 'too_big':
      return bounded('at most', issue.maximum, issue.origin);
    case 'invalid_format':
      return issue.format === 'datetime' ? 'must be a time in UTC, such as 2026-11-25T09:30:00Z' : undefined;
    case 'invalid_union':
      return 'options' in issue && Array.isArray(issue.options) ? oneOf(issue.options) : undefined;
    default:
      return undefined;
  }
};

/** The whole sentence on the first fault of a part of a request. */
export const faultSentence = (part: 'body' | 'query' | 'path', fault: FieldError | undefined): string => {
  if (fault === undefined) return `The ${part} is not valid: see errors.`;
  const { pointer, detail } = fault;
  if (detail === NO_SUCH_FIELD)
    return `This request takes no ${part} field ${pointer}: check its name and place.`;
  return `The ${pointer === '' ? part : `${part} field ${pointer}`} is not valid: ${detail}.`;
};
